package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.onnx.graph.GraphBuilder;

/** Products with a constant matrix, in the forms that exporters and quantizers write. */
class ProjectionFormsTest {
  /** Float32 sums of 48 products of numbers around 1, against double precision. */
  private static final double TOLERANCE = 2e-5;

  private static final int LAYERS = 2;

  @TempDir Path directory;

  /** The product of {@code x} and a new matrix with so many columns, its bias included. */
  private interface Form {
    Value write(TracedGraph graph, Value x, int columns);
  }

  @TestFactory
  Stream<DynamicTest> forms() {
    Map<String, Form> forms = new LinkedHashMap<>();
    plain(forms);
    behindOperators(forms);
    convolutions(forms);
    packed(forms);
    return forms.entrySet().stream()
        .map(form -> dynamicTest(form.getKey(), () -> assertFound(form.getValue())));
  }

  /** ONNX Runtime multiplies such matrices with activations that it rounds to 8 bits as well. */
  @Test
  void behindDequantizeLinear() {
    for (boolean perColumn : new boolean[] {true, false}) {
      TracedGraph graph = new TracedGraph();
      List<Sites> expected =
          blocks(
              graph,
              (g, x, n) -> {
                Packed.Bytes stored = Packed.bytes(g, x.columns(), n, perColumn);
                List<AttributeProto> axis = List.of(GraphBuilder.integer("axis", 1));
                String scales = stored.scales().name();
                String matrix = g.node("DequantizeLinear", axis, stored.stored(), scales);
                return g.product(x, stored.value().as(matrix));
              });
      Sites.assertClose(written(graph, expected), expected, 0.01);
    }
  }

  private void assertFound(Form form) {
    TracedGraph graph = new TracedGraph();
    List<Sites> expected = blocks(graph, form);
    Sites.assertMatch(written(graph, expected), expected, TOLERANCE);
  }

  private Path written(TracedGraph graph, List<Sites> expected) {
    Value end = graph.layerNorm(expected.get(LAYERS - 1).residual());
    return graph.write(directory.resolve("model.onnx"), end);
  }

  private static List<Sites> blocks(TracedGraph graph, Form form) {
    List<Sites> expected = new ArrayList<>();
    Value x = graph.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      x = graph.add(x, graph.attention(graph.layerNorm(x)));
      Value up = form.write(graph, graph.layerNorm(x), NEURONS);
      Value mlp = graph.unary("Relu", up, Curves::relu);
      Value out = form.write(graph, mlp, WIDTH);
      x = graph.add(x, out);
      expected.add(new Sites(mlp, out, x));
    }
    return expected;
  }

  private static void plain(Map<String, Form> forms) {
    forms.put(
        "MatMul, then bias",
        (g, x, n) -> g.add(g.product(x, g.matrix(x.columns(), n)), g.vector(n, 0)));
    forms.put(
        "bias plus MatMul",
        (g, x, n) -> g.add(g.vector(n, 0), g.product(x, g.matrix(x.columns(), n))));
    forms.put("MatMul without bias", (g, x, n) -> g.product(x, g.matrix(x.columns(), n)));
    forms.put("Gemm", (g, x, n) -> gemm(g, x, n, false));
    forms.put("Gemm of the transposed matrix", (g, x, n) -> gemm(g, x, n, true));
    forms.put(
        "Gemm of flattened activations",
        (g, x, n) -> {
          Value matrix = g.matrix(x.columns(), n);
          String flat = g.node("Flatten", List.of(GraphBuilder.integer("axis", 2)), x.name());
          String product = g.node("Gemm", flat, matrix.name());
          return new Value(shaped(g, product, n), x.times(matrix));
        });
    forms.put(
        "FusedMatMul of the transposed matrix",
        (g, x, n) -> {
          Value stored = g.matrix(n, x.columns());
          AttributeProto turned = GraphBuilder.integer("transB", 1);
          String name = g.fused("FusedMatMul", List.of(turned), x.name(), stored.name());
          return new Value(name, x.times(new Value(null, stored.transposed())));
        });
    forms.put("Einsum", (g, x, n) -> einsum(g, x, n, "bsi,io->bso", false));
    forms.put("Einsum of the transposed matrix", (g, x, n) -> einsum(g, x, n, "abc,dc->abd", true));
    forms.put("Einsum with dots", (g, x, n) -> einsum(g, x, n, "...i, io -> ...o", false));
    forms.put(
        "MatMul with a stack of one matrix",
        (g, x, n) -> {
          Value matrix = g.constant(g.normal(x.columns(), n, 0.25), 1, x.columns(), n);
          return g.product(x, matrix);
        });
  }

  private static Value gemm(TracedGraph g, Value x, int n, boolean turned) {
    Value stored = turned ? g.matrix(n, x.columns()) : g.matrix(x.columns(), n);
    Value matrix = turned ? new Value(null, stored.transposed()) : stored;
    Value bias = g.vector(n, 0);
    String flat = g.node("Reshape", x.name(), g.graph.integers(-1, x.columns()));
    List<AttributeProto> attributes = List.of(GraphBuilder.integer("transB", turned ? 1 : 0));
    String product = g.node("Gemm", attributes, flat, stored.name(), bias.name());
    Value exact = new Value(null, x.times(matrix));
    return new Value(shaped(g, product, n), exact.with(bias, Double::sum));
  }

  private static String shaped(TracedGraph g, String flat, int columns) {
    return g.node("Reshape", flat, g.graph.integers(-1, TracedGraph.IDS[0].length, columns));
  }

  private static Value einsum(TracedGraph g, Value x, int n, String equation, boolean turned) {
    Value stored = turned ? g.matrix(n, x.columns()) : g.matrix(x.columns(), n);
    AttributeProto attribute =
        AttributeProto.newBuilder()
            .setName("equation")
            .setType(AttributeProto.AttributeType.STRING)
            .setS(ByteString.copyFromUtf8(equation))
            .build();
    Value matrix = turned ? new Value(null, stored.transposed()) : stored;
    return new Value(
        g.node("Einsum", List.of(attribute), x.name(), stored.name()), x.times(matrix));
  }

  private static void behindOperators(Map<String, Form> forms) {
    forms.put(
        "behind a Transpose",
        (g, x, n) -> {
          Value stored = g.matrix(n, x.columns());
          String turned =
              g.node("Transpose", List.of(GraphBuilder.list("perm", 1, 0)), stored.name());
          return g.product(x, new Value(turned, stored.transposed()));
        });
    forms.put(
        "behind a Transpose that leaves the order, and Identities",
        (g, x, n) -> {
          Value stored = g.matrix(x.columns(), n);
          String same =
              g.node("Transpose", List.of(GraphBuilder.list("perm", 0, 1)), stored.name());
          return g.product(x, stored.as(g.node("Identity", g.node("Identity", same))));
        });
    forms.put("behind a Cast from float16", (g, x, n) -> castFrom(g, x, n, DataType.FLOAT16));
    forms.put("behind a Cast from bfloat16", (g, x, n) -> castFrom(g, x, n, DataType.BFLOAT16));
    forms.put(
        "behind a Reshape",
        (g, x, n) -> {
          Value stored = g.constant(g.normal(x.columns(), n, 0.25), (long) x.columns() * n);
          String matrix = g.node("Reshape", stored.name(), g.graph.integers(x.columns(), n));
          return g.product(x, stored.as(matrix));
        });
    forms.put(
        "behind Cast, Sub and Mul",
        (g, x, n) -> {
          Packed.Bytes stored = Packed.bytes(g, x.columns(), n, true);
          long type = DataType.FLOAT.getNumber();
          String floats =
              g.node("Cast", List.of(GraphBuilder.integer("to", type)), stored.stored());
          String centred = g.node("Sub", floats, g.scalar(0).name());
          String matrix = g.node("Mul", centred, stored.scales().name());
          return g.product(x, stored.value().as(matrix));
        });
    forms.put(
        "two halves joined by Concat",
        (g, x, n) -> {
          Value left = g.matrix(x.columns(), n / 2);
          Value right = g.matrix(x.columns(), n / 2);
          String joined =
              g.node("Concat", List.of(GraphBuilder.integer("axis", 1)), left.name(), right.name());
          double[][] rows = new double[x.columns()][n];
          for (int i = 0; i < rows.length; i++) {
            System.arraycopy(left.rows()[i], 0, rows[i], 0, n / 2);
            System.arraycopy(right.rows()[i], 0, rows[i], n / 2, n / 2);
          }
          return g.product(x, new Value(joined, rows));
        });
  }

  private static Value castFrom(TracedGraph g, Value x, int n, DataType type) {
    Value stored = Packed.half(g, type, x.columns(), n);
    List<AttributeProto> to = List.of(GraphBuilder.integer("to", DataType.FLOAT.getNumber()));
    return g.product(x, stored.as(g.node("Cast", to, stored.name())));
  }

  private static void convolutions(Map<String, Form> forms) {
    forms.put(
        "Conv of one position",
        (g, x, n) -> {
          Value stored = g.constant(g.normal(n, x.columns(), 0.25), n, x.columns(), 1);
          Value bias = g.vector(n, 0);
          List<AttributeProto> swap = List.of(GraphBuilder.list("perm", 0, 2, 1));
          String turned = g.node("Transpose", swap, x.name());
          String conv = g.node("Conv", turned, stored.name(), bias.name());
          Value exact = new Value(null, x.times(new Value(null, stored.transposed())));
          return new Value(g.node("Transpose", swap, conv), exact.with(bias, Double::sum));
        });
    forms.put(
        "Conv of one pixel",
        (g, x, n) -> {
          Value stored = g.constant(g.normal(n, x.columns(), 0.25), n, x.columns(), 1, 1);
          List<AttributeProto> swap = List.of(GraphBuilder.list("perm", 0, 2, 1));
          String turned = g.node("Transpose", swap, x.name());
          String image = g.node("Unsqueeze", turned, g.graph.integers(2));
          String conv = g.node("Conv", image, stored.name());
          String back = g.node("Transpose", swap, g.node("Squeeze", conv, g.graph.integers(2)));
          return new Value(back, x.times(new Value(null, stored.transposed())));
        });
  }

  private static void packed(Map<String, Form> forms) {
    forms.put("MatMulNBits", (g, x, n) -> nibbles(g, x, n, false));
    forms.put("MatMulNBits with bias", (g, x, n) -> nibbles(g, x, n, true));
  }

  static Value nibbles(TracedGraph g, Value x, int n, boolean biased) {
    Packed.Nibbles stored = Packed.nibbles(g, x.columns(), n);
    Value bias = g.vector(n, 0);
    List<AttributeProto> attributes =
        List.of(
            GraphBuilder.integer("K", x.columns()),
            GraphBuilder.integer("N", n),
            GraphBuilder.integer("bits", 4),
            GraphBuilder.integer("block_size", Packed.BLOCK));
    List<String> inputs =
        new ArrayList<>(List.of(x.name(), stored.stored(), stored.scales().name()));
    if (biased) {
      inputs.addAll(List.of("", "", bias.name()));
    }
    String name = g.fused("MatMulNBits", attributes, inputs.toArray(String[]::new));
    Value exact = new Value(name, x.times(stored.value()));
    return biased ? new Value(name, exact.with(bias, Double::sum)) : exact;
  }
}
