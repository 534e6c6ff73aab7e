package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;

/**
 * Makes a model's activations changeable through graph inputs, so that no session is built again
 * when a direction or its strength changes. The graph that is edited stays as it is.
 *
 * <p>Every reader of the site's tensor x reads {@code keep * x + shift} instead: a product and a
 * sum per site, with casts in models of half precision and reshapes where the model flattens
 * sequences to {@code [rows * length, width]}. Where a fused operator adds the residual stream and
 * takes the norm at once, its two addends are changed instead, which gives the same sum.
 */
public final class SteeringEditor {
  private final ModelGraph graph;
  private final TensorTypes types;
  private final GraphDraft draft;
  private final Projections projections;
  private final Map<SteeredSite, SteeringPoint> points = new HashMap<>();

  private SteeringEditor(ModelGraph graph) {
    this.graph = graph;
    Constants constants = new Constants(graph.index());
    this.types = new TensorTypes(graph, constants);
    this.projections = new Projections(graph.index(), constants);
    this.draft = new GraphDraft(graph);
  }

  /**
   * The whole model, steered at the given sites.
   *
   * @param sites without order; equal ones count once
   * @throws SiteNotFoundException if the model's MLPs were not found
   * @throws InvalidArgumentException if the model has fewer layers
   * @throws SiteNotSteerableException if a site's tensor cannot be changed
   */
  public static SteeredModel steer(ModelGraph graph, Collection<SteeredSite> sites) {
    Map<SteeredSite, SiteTensor> tensors = new LinkedHashMap<>();
    for (SteeredSite site : sites) {
      tensors.put(site, graph.site(site.site(), site.layer()));
    }
    return steer(graph, tensors);
  }

  /**
   * The whole model, steered at tensors that were perhaps named by hand.
   *
   * @param tensors where each site's activations are
   * @throws SiteNotSteerableException if a tensor cannot be changed or its width is not known
   */
  public static SteeredModel steer(ModelGraph graph, Map<SteeredSite, SiteTensor> tensors) {
    SteeringEditor editor = new SteeringEditor(graph);
    // A block's own order, since edits of one fused operator build on each other.
    Map<Integer, Map<Site, SiteTensor>> ordered = new TreeMap<>();
    tensors.forEach(
        (site, tensor) ->
            ordered
                .computeIfAbsent(site.layer(), layer -> new TreeMap<>())
                .put(site.site(), tensor));
    ordered.forEach(
        (layer, sites) ->
            sites.forEach((site, tensor) -> editor.steer(new SteeredSite(site, layer), tensor)));
    List<SteeringPoint> points = tensors.keySet().stream().map(editor.points::get).toList();
    return new SteeredModel(editor.draft.build(), points);
  }

  private void steer(SteeredSite site, SiteTensor tensor) {
    boolean added = !tensor.added().isEmpty();
    String typed = added ? tensor.added().get(0).getInput(0) : tensor.name();
    Change change = new Change(site, typed);
    if (added) {
      swallowed(site, tensor, change);
      return;
    }
    NodeProto.Builder producer = draft.producer(tensor.name());
    if (producer == null) {
      throw new SiteNotSteerableException(
          describe(site) + " is the tensor '" + tensor.name() + "', which no node computes");
    }
    FusedSum sum = FusedSum.of(producer);
    if (sum != null && sum.isTotal(tensor.name())) {
      total(sum, change);
      return;
    }
    // With the result under the old name, readers in subgraphs and graph outputs follow by
    // themselves.
    String before = draft.rename(tensor.name(), "steered");
    change.apply(before, tensor.name(), true, node -> draft.after(producer, node));
  }

  /** The site's values exist only inside a fused operator. */
  private void swallowed(SteeredSite site, SiteTensor tensor, Change change) {
    NodeProto first = tensor.added().get(0);
    FusedSum sum = draft.fusedSum(first.getInput(0));
    if (sum == null) {
      throw new SiteNotSteerableException(
          describe(site)
              + " is computed from '"
              + first.getInput(0)
              + "' inside an operator that cannot be taken apart");
    }
    boolean biased = tensor.added().size() == 1 && first.getInput(1).equals(sum.bias());
    if (!biased) {
      total(sum, change);
      return;
    }
    int index = sum.indexOf(first.getInput(0));
    String with = sum.withBias(index, draft);
    String steered = draft.fresh(with + "/steered");
    change.apply(with, steered, true, node -> draft.before(sum.node(), node));
    sum.node().setInput(index, steered);
  }

  /** keep * (a + b) + shift = (keep * a + shift) + keep * b. */
  private void total(FusedSum sum, Change change) {
    String first = sum.withBias(0, draft);
    String shifted = draft.fresh(first + "/steered");
    change.apply(first, shifted, true, node -> draft.before(sum.node(), node));
    sum.node().setInput(0, shifted);
    String second = sum.node().getInput(1);
    String kept = draft.fresh(second + "/kept");
    change.apply(second, kept, false, node -> draft.before(sum.node(), node));
    sum.node().setInput(1, kept);
  }

  private static String describe(SteeredSite site) {
    return "site '" + site.site().id() + "' of layer " + site.layer();
  }

  private int width(SteeredSite site, String tensor) {
    List<MlpLayer> layers = graph.layers();
    if (site.layer() < layers.size()
        && layers.get(site.layer()).tensor(site.site()).name().equals(tensor)) {
      return width(site.site(), layers.get(site.layer()).downProjection());
    }
    for (Projection projection : projections.all()) {
      if (projection.input().equals(tensor)) {
        return Math.toIntExact(projection.weight().rows());
      }
      if (projection.output().equals(tensor)) {
        return Math.toIntExact(projection.weight().columns());
      }
    }
    long last = types.lastAxis(tensor);
    if (last < 1 && !layers.isEmpty() && site.layer() < layers.size()) {
      return width(site.site(), layers.get(site.layer()).downProjection());
    }
    if (last < 1) {
      throw new SiteNotSteerableException(
          describe(site) + ": the graph does not say how wide tensor '" + tensor + "' is");
    }
    return Math.toIntExact(last);
  }

  private static int width(Site site, DownProjection weight) {
    return Math.toIntExact(site == Site.MLP ? weight.neurons() : weight.width());
  }

  /** The two inputs of one site and the nodes that use them. */
  private final class Change {
    private final String shift;
    private final String keep;
    private final DataType type;
    private final boolean threeAxes;
    private final int width;
    private String castShift;
    private String castKeep;

    Change(SteeredSite site, String tensor) {
      String name = "snmf4j/" + site.site().id() + "/" + site.layer();
      type = types.floatType(tensor);
      if (type == null) {
        throw new SiteNotSteerableException(
            describe(site) + ": the graph does not say of which type tensor '" + tensor + "' is");
      }
      threeAxes = types.rank(tensor) == 3;
      width = width(site, tensor);
      shift = draft.input(name + "/shift", width, false);
      keep = draft.input(name + "/keep", 1, false);
      points.put(site, new SteeringPoint(site.site(), site.layer(), shift, keep, width));
    }

    /** Adds the nodes that compute {@code result = keep * tensor [+ shift]}. */
    void apply(String tensor, String result, boolean shifted, NodeSink sink) {
      prepare(sink);
      String x = tensor;
      if (!threeAxes) {
        x = reshaped(tensor, draft.fresh(tensor + "/rows"), rowShape(sink), sink);
      }
      String outcome = threeAxes ? result : draft.fresh(result + "/rows");
      String product = shifted ? draft.fresh(result + "/kept") : outcome;
      sink.add(GraphDraft.node("Mul", product, x, castKeep));
      if (shifted) {
        sink.add(GraphDraft.node("Add", outcome, product, castShift));
      }
      if (!threeAxes) {
        String shape = draft.fresh(tensor + "/shape");
        sink.add(GraphDraft.node("Shape", shape, tensor));
        reshaped(outcome, result, shape, sink);
      }
    }

    private void prepare(NodeSink sink) {
      if (castShift == null) {
        castShift = cast(shift, sink);
        castKeep = cast(keep, sink);
      }
    }

    private String cast(String input, NodeSink sink) {
      if (type == DataType.FLOAT) {
        return input;
      }
      String result = draft.fresh(input + "/cast");
      NodeProto.Builder node = GraphDraft.node("Cast", result, input);
      GraphDraft.attribute(node, "to", type.getNumber());
      sink.add(node);
      return result;
    }

    /** [rows, -1, width], the rows being those of the inputs. */
    private String rowShape(NodeSink sink) {
      String rows = draft.fresh(keep + "/shape");
      String shape = draft.fresh(keep + "/rows");
      sink.add(GraphDraft.node("Shape", rows, keep));
      sink.add(GraphDraft.node("Mul", shape, rows, draft.integers(1, -1, width)));
      return shape;
    }

    private String reshaped(String tensor, String result, String shape, NodeSink sink) {
      sink.add(GraphDraft.node("Reshape", result, tensor, shape));
      return result;
    }
  }

  /** Takes nodes in the order of computation. */
  @FunctionalInterface
  private interface NodeSink {
    void add(NodeProto.Builder node);
  }
}
