package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.snmf4j.onnx.graph.Constants.StoredMatrix;

/**
 * Follows one candidate for a down-projection forward to the sum with the residual stream.
 *
 * <p>On the way may lie its bias, a norm (Gemma), a constant scale, casts and reshapes. A candidate
 * whose result is never added to another activation is no MLP (a classifier head, for instance).
 */
final class BlockTrace {
  private static final List<Long> CHANNELS_LAST = List.of(0L, 2L, 1L);
  private static final List<Long> PIXELS_LAST = List.of(0L, 2L, 3L, 1L);

  private final GraphIndex index;
  private final Norms norms;
  private final Projections projections;
  private final SiteTensors sites;
  private final Projection down;
  private final Set<Projection> ups;

  /** See {@link Projection#rank()}: where the activations lie in the tensor reached so far. */
  private int rank;

  private SiteTensor mlpOut;
  private boolean normed;
  private boolean routed;
  private final Set<String> skipped = new HashSet<>();

  BlockTrace(
      GraphIndex index,
      Norms norms,
      Projections projections,
      Projection down,
      Set<Projection> ups) {
    this.index = index;
    this.norms = norms;
    this.projections = projections;
    this.sites = new SiteTensors(index);
    this.down = down;
    this.ups = ups;
    this.rank = down.rank();
  }

  /** The block, or null if the candidate's result joins no residual stream. */
  MlpLayer block(int number) {
    SiteTensor residual = residual();
    if (residual == null) {
      return null;
    }
    StoredMatrix weight = down.weight();
    return new MlpLayer(
        number,
        sites.of(down.input(), down.rank(), weight.rows()),
        mlpOut,
        residual,
        new DownProjection(
            weight.initializer(), weight.rows(), weight.columns(), weight.transposed()));
  }

  /**
   * Whether the result, instead of joining the stream, is multiplied by other activations or
   * scattered among tokens, as an expert's of a mixture is.
   */
  boolean routed() {
    return routed;
  }

  private SiteTensor residual() {
    String tensor = down.output();
    mlpOut = site(tensor);
    boolean scaled = false;
    while (true) {
      if (normed(tensor)) {
        tensor = norms.of(tensor);
        normed = true;
        continue;
      }
      Node next = next(tensor);
      if (next == null) {
        return null;
      }
      if (Operators.isSkipNorm(next)) {
        return throughSkipNorm(next, tensor, !normed && !scaled);
      }
      int dynamic = index.dynamicInputs(next).size();
      boolean bias = Operators.isSum(next) && (dynamic == 1 || addsAdapters(next, tensor));
      if (Operators.isSum(next) && !bias) {
        return fromSum(next, tensor);
      }
      boolean passing = next.input(0).equals(tensor) && passes(next);
      boolean scale = Operators.isProduct(next) && dynamic == 1;
      if (!(passing || bias || scale)) {
        routed = Operators.isProduct(next) || next.op().startsWith("Scatter");
        return null;
      }
      tensor = next.output(0);
      scaled |= scale;
      if (!normed && !scaled) {
        mlpOut = site(tensor);
      }
    }
  }

  private SiteTensor site(String tensor) {
    return sites.of(tensor, rank, down.weight().columns());
  }

  /** Whether the values go on unchanged; where they lie is noted. */
  private boolean passes(Node node) {
    if (rank == 0 || !Operators.isReshaping(node)) {
      return Operators.isPassing(node);
    }
    switch (node.op()) {
      case "Identity":
        return true;
      case "Squeeze":
        rank--;
        return rank > 2;
      case "Unsqueeze":
        rank++;
        return true;
      case "Transpose":
        List<Long> axes = node.attribute("perm").map(AttributeProto::getIntsList).orElse(List.of());
        boolean last = axes.equals(rank == 3 ? CHANNELS_LAST : PIXELS_LAST);
        rank = 0;
        return last;
      default:
        return false;
    }
  }

  /**
   * Whether a sum adds nothing but other linear functions of the same neurons: adapters beside the
   * down-projection that were not merged with it.
   */
  private boolean addsAdapters(Node sum, String tensor) {
    return index.dynamicInputs(sum).stream()
        .filter(input -> !input.equals(tensor))
        .allMatch(this::readsNeurons);
  }

  private boolean readsNeurons(String tensor) {
    String neurons = norms.root(down.input());
    String name = norms.root(tensor);
    while (!name.equals(neurons)) {
      Projection projection = projections.ending(name);
      Node producer = index.producer(name);
      if (projection != null) {
        name = norms.root(projection.input());
      } else if (producer != null
          && (Operators.isProduct(producer) || Operators.isSum(producer))
          && index.dynamicInputs(producer).size() == 1) {
        name = norms.root(index.dynamicInputs(producer).get(0));
      } else {
        return false;
      }
    }
    return true;
  }

  /** Whether all that happens to a tensor is that its norm is taken. */
  private boolean normed(String tensor) {
    if (norms.of(tensor) == null) {
      return false;
    }
    Node only = next(tensor);
    return only == null || !(Operators.isSkipNorm(only) || Operators.isPassing(only));
  }

  private SiteTensor fromSum(Node first, String joined) {
    Node sum = first;
    String from = joined;
    while (true) {
      for (String input : sum.inputs()) {
        if (!input.equals(from)) {
          skip(input);
        }
      }
      String result = sum.output(0);
      String carried = result;
      Node next = next(carried);
      while (next != null && Operators.isPassing(next)) {
        carried = next.output(0);
        next = next(carried);
      }
      // In a parallel block the sum with attention comes first; the residual stream joins later.
      if (next != null && Operators.isSum(next) && index.dynamicInputs(next).size() > 1) {
        sum = next;
        from = carried;
        continue;
      }
      if (next != null && Operators.isSkipNorm(next)) {
        return throughSkipNorm(next, carried, false);
      }
      return site(isPostNorm(result) ? norms.of(result) : result);
    }
  }

  /**
   * In post-norm models the MLP reads the very tensor that is added to its result, the norm comes
   * after the sum, and nobody else sees the bare sum.
   */
  private boolean isPostNorm(String sum) {
    if (normed || norms.of(sum) == null || !readsSkipped()) {
      return false;
    }
    return readers(sum).stream()
        .noneMatch(node -> Operators.isSum(node) && index.dynamicInputs(node).size() > 1);
  }

  private boolean readsSkipped() {
    return ups.stream().map(Projection::input).map(norms::root).anyMatch(skipped::contains);
  }

  /**
   * The sum happens inside a fused operator, perhaps together with a bias.
   *
   * @param own whether {@code tensor} is the down-projection's own result, so that the bias is its
   */
  private SiteTensor throughSkipNorm(Node norm, String tensor, boolean own) {
    String other = norm.input(norm.input(0).equals(tensor) ? 1 : 0);
    skip(other);
    String bias = norm.input(norm.op().equals("SkipLayerNormalization") ? 4 : 3);
    List<NodeProto> added = new ArrayList<>();
    String joined = tensor;
    if (!bias.isEmpty()) {
      joined = "snmf4j/" + tensor + "/biased";
      added.add(SiteTensors.sum(tensor, bias, joined));
      if (own) {
        mlpOut = new SiteTensor(joined, List.copyOf(added));
      }
    }
    if (own && readsSkipped()) {
      return SiteTensor.existing(norm.output(0));
    }
    if (!norm.output(3).isEmpty()) {
      return SiteTensor.existing(norm.output(3));
    }
    String total = "snmf4j/" + tensor + "/residual";
    added.add(SiteTensors.sum(joined, other, total));
    return new SiteTensor(total, List.copyOf(added));
  }

  /** The one node that reads a tensor's values, or null if there are none or several. */
  private Node next(String tensor) {
    List<Node> readers =
        index.consumers(tensor).stream().filter(node -> !Operators.readsShapeOnly(node)).toList();
    return readers.size() == 1 ? readers.get(0) : null;
  }

  /** All nodes that read a tensor's values, casts and reshapes looked through. */
  private List<Node> readers(String tensor) {
    List<Node> readers = new ArrayList<>();
    Deque<String> open = new ArrayDeque<>(List.of(tensor));
    while (!open.isEmpty()) {
      for (Node node : index.consumers(open.remove())) {
        if (Operators.isPassing(node)) {
          open.add(node.output(0));
        } else if (!Operators.readsShapeOnly(node)) {
          readers.add(node);
        }
      }
    }
    return readers;
  }

  /** Notes what is added to the MLP's result, also as it was before a constant scale. */
  private void skip(String tensor) {
    String root = norms.root(tensor);
    skipped.add(root);
    Node producer = index.producer(root);
    if (producer != null && Operators.isProduct(producer)) {
      List<String> dynamic = index.dynamicInputs(producer);
      if (dynamic.size() == 1) {
        skipped.add(norms.root(dynamic.get(0)));
      }
    }
  }
}
