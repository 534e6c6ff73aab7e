package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;

/** Cuts parts out of a model, so that they can be run with inputs of one's own. */
public final class GraphPieces {
  private static final Set<String> SHAPING =
      Set.of("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity");

  private final ModelGraph graph;
  private final TensorTypes types;
  private final GraphDraft draft;

  private GraphPieces(ModelGraph graph) {
    this.graph = graph;
    this.types = new TensorTypes(graph, new Constants(graph.index()));
    this.draft = new GraphDraft(graph);
  }

  /**
   * The part that computes {@code to} from {@code from}.
   *
   * @param width d of {@code from}
   * @throws InvalidArgumentException if {@code to} is not computed from {@code from}
   * @throws SiteNotSteerableException if {@code from} cannot be replaced
   */
  public static GraphPiece between(ModelGraph graph, SiteTensor from, SiteTensor to, int width) {
    return new GraphPieces(graph).cut(from, to, width);
  }

  /**
   * What the model does to the MLP's result before it joins the residual stream: a norm (Gemma 2,
   * OLMo 2), a constant scale (Granite). Empty if it is added as it is.
   *
   * @param layer 0-based
   */
  public static Optional<GraphPiece> afterMlp(ModelGraph graph, int layer) {
    SiteTensor out = graph.site(Site.MLP_OUT, layer);
    if (!out.added().isEmpty()) {
      // A fused operator adds it to the stream itself.
      return Optional.empty();
    }
    GraphPieces pieces = new GraphPieces(graph);
    String addend = addend(graph.index(), out.name());
    if (addend == null || pieces.passed(addend).equals(pieces.passed(out.name()))) {
      return Optional.empty();
    }
    int width = Math.toIntExact(graph.layers().get(layer).downProjection().width());
    return Optional.of(pieces.cut(out, SiteTensor.existing(addend), width));
  }

  /** What is added to the residual stream of all that is computed from a tensor alone, or null. */
  private static String addend(GraphIndex index, String tensor) {
    Set<String> own = new HashSet<>(Set.of(tensor));
    for (Node node : index.nodes()) {
      List<String> values = index.dynamicInputs(node);
      Optional<String> mine = values.stream().filter(own::contains).findFirst();
      if (mine.isEmpty() || Operators.readsShapeOnly(node)) {
        continue;
      }
      boolean joins = Operators.isSum(node) || Operators.isSkipNorm(node);
      if (joins && !own.containsAll(values)) {
        return mine.get();
      }
      own.addAll(node.outputs());
    }
    return null;
  }

  private String passed(String tensor) {
    String name = tensor;
    for (Node node = graph.index().producer(name);
        node != null && Operators.isPassing(node);
        node = graph.index().producer(name)) {
      name = node.input(0);
    }
    return name;
  }

  private GraphPiece cut(SiteTensor from, SiteTensor to, int width) {
    String input = draft.input("snmf4j/piece/input", width, true);
    replace(from, input, width);
    to.added().forEach(node -> draft.last(node.toBuilder()));
    String output = draft.fresh("snmf4j/piece/output");
    NodeProto.Builder cast = GraphDraft.node("Cast", output, to.name());
    GraphDraft.attribute(cast, "to", DataType.FLOAT.getNumber());
    draft.last(cast);
    return new GraphPiece(
        draft.cut(output, input, from.name(), to.name()),
        input,
        width,
        output,
        Math.toIntExact(graph.fixed(0).orElse(1)),
        Math.toIntExact(graph.fixed(1).orElse(1)));
  }

  private void replace(SiteTensor from, String input, int width) {
    boolean added = !from.added().isEmpty();
    FusedSum sum = null;
    String tensor = from.name();
    if (added) {
      tensor = from.added().get(0).getInput(0);
      sum = draft.fusedSum(tensor);
    } else if (draft.producer(tensor) != null) {
      FusedSum own = FusedSum.of(draft.producer(tensor));
      sum = own != null && own.isTotal(tensor) ? own : null;
    }
    if (sum == null && (added || draft.producer(tensor) == null)) {
      throw new SiteNotSteerableException(
          "tensor '"
              + tensor
              + "' cannot be replaced: "
              + (added ? "an operator" : "no node")
              + " computes it that could be cut off");
    }
    if (sum != null) {
      sum.node().setInput(0, typed(input, draft.fresh("snmf4j/piece/sum"), tensor, width));
      String none = draft.fresh("snmf4j/piece/none");
      String sumInput = sum.node().getInput(0);
      draft.before(sum.node(), GraphDraft.node("Sub", none, sumInput, sumInput));
      sum.node().setInput(1, none);
      sum.dropBias();
      return;
    }
    String source = withThreeAxes(tensor);
    draft.rename(source, "cut");
    typed(input, source, source, width);
  }

  /** The tensor with the same values before it was flattened, if it was. */
  private String withThreeAxes(String tensor) {
    String name = tensor;
    for (Node node = graph.index().producer(name);
        node != null && SHAPING.contains(node.op()) && graph.index().isDynamic(node.input(0));
        node = graph.index().producer(name)) {
      name = node.input(0);
      if (types.rank(name) == 3) {
        return name;
      }
    }
    return tensor;
  }

  /** Gives the input the type and shape that another tensor has. */
  private String typed(String input, String result, String like, int width) {
    DataType type = types.floatType(like);
    if (type == null) {
      throw new SiteNotSteerableException(
          "the graph does not say of which type tensor '" + like + "' is");
    }
    boolean flat = types.rank(like) == 2;
    String cast = flat ? draft.fresh(result + "/cast") : result;
    NodeProto.Builder node = GraphDraft.node("Cast", cast, input);
    GraphDraft.attribute(node, "to", type.getNumber());
    draft.first(node);
    if (flat) {
      draft.first(GraphDraft.node("Reshape", result, cast, draft.integers(-1, width)));
    }
    return result;
  }
}
