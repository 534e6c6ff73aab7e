package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Finds the inputs and outputs that carry a key/value cache. */
final class CacheFinder {
  private static final Set<Integer> CACHED_TYPES =
      Set.of(
          DataType.FLOAT.getNumber(),
          DataType.FLOAT16.getNumber(),
          DataType.BFLOAT16.getNumber(),
          DataType.INT8.getNumber(),
          DataType.UINT8.getNumber());

  private static final Pattern PREFIX =
      Pattern.compile(
          "^(past|present)(_key_values?|_kv)?(?=[._]?\\d|[._])", Pattern.CASE_INSENSITIVE);

  private final ModelGraph graph;
  private final GraphIndex index;
  private final Map<String, ValueInfoProto> outputs = new HashMap<>();
  private final Map<String, String> presentByKey = new HashMap<>();

  CacheFinder(ModelGraph graph) {
    this.graph = graph;
    this.index = graph.index();
    for (ValueInfoProto output : graph.proto().getGraph().getOutputList()) {
      outputs.put(output.getName(), output);
      if (output.getName().startsWith("present")) {
        presentByKey.put(key(output.getName()), output.getName());
      }
    }
  }

  Optional<CacheLayout> layout() {
    List<CacheEntry> entries = new ArrayList<>();
    boolean grouped = false;
    Optional<String> branch = Optional.empty();
    GraphProto proto = graph.proto().getGraph();
    for (ValueInfoProto input : proto.getInputList()) {
      String name = input.getName();
      if (!index.inputs().contains(name)) {
        continue;
      }
      if (name.equals("use_cache_branch")) {
        branch = Optional.of(name);
        continue;
      }
      TypeProto.Tensor type = input.getType().getTensorType();
      boolean named = name.startsWith("past");
      int rank = type.getShape().getDimCount();
      if (!CACHED_TYPES.contains(type.getElemType()) || rank < 3 || !named && rank < 4) {
        continue;
      }
      String present = present(name);
      if (present == null) {
        if (named) {
          throw new ModelFormatException(
              graph.file(),
              "cache input '" + name + "' has no output to go with it; outputs are " + shown());
        }
        continue;
      }
      entries.add(entry(input, outputs.get(present)));
      grouped |= readByGroupedAttention(name);
    }
    if (entries.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new CacheLayout(entries, branch, grouped));
  }

  private String present(String past) {
    String named = past.startsWith("past") ? presentByKey.get(key(past)) : null;
    if (named != null) {
      return named;
    }
    for (Node node : index.consumers(past)) {
      String output = null;
      if (node.op().equals("Concat")) {
        output = node.output(0);
      } else if (isFusedAttention(node)) {
        // Past keys and values are inputs 3 and 4, present ones outputs 1 and 2.
        int at = node.inputs().indexOf(past);
        output = at == 3 || at == 4 ? node.output(at - 2) : null;
      }
      if (output != null && outputs.containsKey(output)) {
        return output;
      }
    }
    return null;
  }

  private static boolean isFusedAttention(Node node) {
    return node.op().equals("GroupQueryAttention");
  }

  private boolean readByGroupedAttention(String past) {
    return index.consumers(past).stream().anyMatch(CacheFinder::isFusedAttention);
  }

  /** What is left of a name without its beginning and with one kind of separator. */
  private static String key(String name) {
    return PREFIX.matcher(name).replaceFirst("").replaceAll("[._]+", ".").replaceAll("^\\.", "");
  }

  private List<String> shown() {
    return outputs.keySet().stream().sorted().limit(8).toList();
  }

  private CacheEntry entry(ValueInfoProto past, ValueInfoProto present) {
    List<Dimension> axes = past.getType().getTensorType().getShape().getDimList();
    List<Dimension> after = present.getType().getTensorType().getShape().getDimList();
    int rank = axes.size();
    boolean stacked = rank == 5;
    int batch = batchAxis(axes, stacked);
    int sequence = sequenceAxis(axes, after, batch, stacked);
    if (sequence < 0 || axes.get(sequence).getDimValue() > 0) {
      throw new ModelFormatException(
          graph.file(),
          "cache input '"
              + past.getName()
              + "' "
              + axes.stream().map(CacheFinder::text).toList()
              + " has no axis of open length for the cached tokens");
    }
    List<Integer> others =
        IntStream.range(stacked ? 1 : 0, rank)
            .filter(axis -> axis != batch && axis != sequence)
            .boxed()
            .toList();
    int width = others.get(others.size() - 1);
    int heads = others.size() > 1 ? others.get(0) : -1;
    List<Long> shape =
        axes.stream().map(axis -> axis.getDimValue() > 0 ? axis.getDimValue() : -1L).toList();
    DataType type = DataType.forNumber(past.getType().getTensorType().getElemType());
    return new CacheEntry(
        past.getName(), present.getName(), type, shape, batch, heads, sequence, width);
  }

  private int batchAxis(List<Dimension> axes, boolean stacked) {
    Optional<String> rows =
        graph.proto().getGraph().getInputList().stream()
            .filter(input -> input.getName().equals(graph.tokenInput()))
            .map(input -> input.getType().getTensorType().getShape())
            .filter(shape -> shape.getDimCount() == 2 && !shape.getDim(0).getDimParam().isEmpty())
            .map(shape -> shape.getDim(0).getDimParam())
            .findFirst();
    for (int axis = 0; rows.isPresent() && axis < axes.size(); axis++) {
      if (axes.get(axis).getDimParam().equals(rows.get())) {
        return axis;
      }
    }
    return stacked ? 1 : 0;
  }

  /** The axis of open length that differs between past and present; else the usual one. */
  private static int sequenceAxis(
      List<Dimension> axes, List<Dimension> after, int batch, boolean stacked) {
    List<Integer> open =
        IntStream.range(0, axes.size())
            .filter(axis -> axis != batch && axes.get(axis).getDimValue() <= 0)
            .boxed()
            .toList();
    if (open.size() == 1) {
      return open.get(0);
    }
    List<Integer> changing =
        open.stream()
            .filter(axis -> after.size() == axes.size())
            .filter(axis -> !axes.get(axis).getDimParam().equals(after.get(axis).getDimParam()))
            .toList();
    if (changing.size() == 1) {
      return changing.get(0);
    }
    List<Integer> named =
        open.stream()
            .filter(axis -> axes.get(axis).getDimParam().matches("(?i).*(seq|past|len).*"))
            .toList();
    if (named.size() == 1) {
      return named.get(0);
    }
    int usual = stacked ? 3 : axes.size() - 2;
    return open.contains(usual) ? usual : -1;
  }

  private static String text(Dimension axis) {
    return axis.getDimValue() > 0 ? Long.toString(axis.getDimValue()) : axis.getDimParam();
  }
}
