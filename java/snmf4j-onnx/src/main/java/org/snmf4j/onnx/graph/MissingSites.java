package org.snmf4j.onnx.graph;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.snmf4j.onnx.activations.Site;

/** Says why a model's sites were not found, and how to name one by hand. */
final class MissingSites {
  private static final int MAX_SHOWN = 12;

  private final Path file;
  private final GraphIndex index;
  private final List<String> candidates;
  private final boolean experts;

  MissingSites(Path file, GraphIndex index, List<String> candidates, boolean experts) {
    this.experts = experts;
    this.file = file;
    this.index = index;
    this.candidates = candidates;
  }

  SiteNotFoundException site(Site site, int layer) {
    return new SiteNotFoundException(
        file
            + ": no MLP found: "
            + reason()
            + ". To name the tensor of a site by hand, give site '"
            + site.id()
            + "', layer "
            + layer
            + " and the tensor's name to ModelOptions.siteTensor, on the command line --site-tensor "
            + site.id()
            + ":"
            + layer
            + "=TENSOR; "
            + shown(),
        candidates);
  }

  SiteNotFoundException tensor(String name) {
    return new SiteNotFoundException(
        file + ": no tensor is called '" + name + "'; " + shown(), candidates);
  }

  private String reason() {
    for (Node node : index.nodes()) {
      if (Operators.isMixture(node)) {
        return "its layers are a mixture of experts (operator "
            + node.op()
            + "), of which each token uses some, so that no tensor has the same neurons for every"
            + " token";
      }
    }
    if (experts) {
      return "some layers are a mixture of experts: results of MLPs are weighted or distributed by"
          + " other activations before they join the residual stream";
    }
    String none =
        "no product with a constant matrix reads a non-linearity's result and is added to a"
            + " residual stream";
    for (Node node : index.nodes()) {
      if (GraphIndex.hasSubgraphs(node)) {
        return none
            + " (the graphs inside control flow, such as node '"
            + node.proto().getName()
            + "' of operator "
            + node.op()
            + ", are not searched)";
      }
    }
    return none;
  }

  private String shown() {
    if (candidates.isEmpty()) {
      return "there are no candidates, for no matrix in the graph is constant";
    }
    String names =
        candidates.stream().limit(MAX_SHOWN).collect(Collectors.joining("', '", "'", "'"));
    int more = candidates.size() - MAX_SHOWN;
    return "candidates: " + names + (more > 0 ? " and " + more + " more" : "");
  }
}
