package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.snmf4j.onnx.layouts.TracedGraph.NEURONS;
import static org.snmf4j.onnx.layouts.TracedGraph.WIDTH;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.onnx.graph.GraphBuilder;

/** Models in 16 and 8 bits, against the same computation in double precision. */
class ReducedPrecisionTest {
  private static final int LAYERS = 2;

  @TempDir Path directory;

  private interface Product {
    Value write(Integers integers, Value x, int columns);
  }

  /**
   * Float16 rounds to 11 bits, bfloat16 to 8: an eighth of the precision, eight times the bound.
   */
  @ParameterizedTest
  @CsvSource({"FLOAT16, 0.01", "BFLOAT16, 0.08"})
  void sixteenBits(DataType type, double bound) {
    TracedGraph graph = new TracedGraph();
    List<Sites> expected = blocks(graph, (integers, x, n) -> plain(graph, x, n));
    Value end = graph.layerNorm(expected.get(LAYERS - 1).residual());
    ModelProto halved = halved(graph.model(end.name()), type);
    Path file = GraphBuilder.write(directory.resolve("half.onnx"), halved);
    Sites.assertClose(file, expected, bound);
  }

  private static Value plain(TracedGraph graph, Value x, int columns) {
    return graph.product(x, graph.matrix(x.columns(), columns));
  }

  private static ModelProto halved(ModelProto model, DataType type) {
    GraphProto.Builder graph = model.getGraph().toBuilder();
    for (TensorProto.Builder tensor : graph.getInitializerBuilderList()) {
      if (tensor.getDataType() == DataType.FLOAT.getNumber()) {
        byte[] bytes = new byte[2 * tensor.getFloatDataCount()];
        for (int i = 0; i < tensor.getFloatDataCount(); i++) {
          int bits = Packed.bits(type, tensor.getFloatData(i));
          bytes[2 * i] = (byte) bits;
          bytes[2 * i + 1] = (byte) (bits >> 8);
        }
        tensor
            .clearFloatData()
            .setDataType(type.getNumber())
            .setRawData(ByteString.copyFrom(bytes));
      }
    }
    for (ValueInfoProto.Builder output : graph.getOutputBuilderList()) {
      output.getTypeBuilder().getTensorTypeBuilder().setElemType(type.getNumber());
    }
    return model.toBuilder().setGraph(graph).build();
  }

  /** The bound for 8 bits that the sites of real exports are held to. */
  @TestFactory
  Stream<DynamicTest> eightBits() {
    Map<String, Product> products = new LinkedHashMap<>();
    products.put("MatMulInteger", Integers::matMulInteger);
    products.put("DynamicQuantizeMatMul", Integers::dynamicQuantizeMatMul);
    products.put("MatMulIntegerToFloat", Integers::matMulIntegerToFloat);
    products.put("QuantizeLinear and DequantizeLinear", Integers::betweenQuantizers);
    return products.entrySet().stream()
        .map(
            product ->
                dynamicTest(
                    product.getKey(),
                    () -> {
                      TracedGraph graph = new TracedGraph();
                      List<Sites> expected = blocks(graph, product.getValue());
                      Sites.assertClose(written(graph, expected), expected, 0.20);
                    }));
  }

  private Path written(TracedGraph graph, List<Sites> expected) {
    Value end = graph.layerNorm(expected.get(LAYERS - 1).residual());
    return graph.write(directory.resolve("model.onnx"), end);
  }

  private static List<Sites> blocks(TracedGraph graph, Product product) {
    Integers integers = new Integers(graph);
    List<Sites> expected = new ArrayList<>();
    Value x = graph.embed();
    for (int layer = 0; layer < LAYERS; layer++) {
      x = graph.add(x, graph.attention(graph.layerNorm(x)));
      Value gate = product.write(integers, graph.layerNorm(x), NEURONS);
      Value mlp = graph.multiply(gate, graph.unary("Sigmoid", gate, Curves::sigmoid));
      Value out = product.write(integers, mlp, WIDTH);
      x = graph.add(x, out);
      expected.add(new Sites(mlp, out, x));
    }
    return expected;
  }

  /** From the norm to the sum with the stream no tensor is of floats. */
  @Test
  void operatorsOnIntegersOnly() {
    TracedGraph graph = new TracedGraph();
    Integers integers = new Integers(graph);
    List<Sites> expected = new ArrayList<>();
    Integers.Steps x = integers.quantize(graph.embed());
    for (int layer = 0; layer < LAYERS; layer++) {
      Integers.Steps normed = integers.quantize(graph.layerNorm(integers.floats(x)));
      Integers.Steps gate = integers.matMul(normed, NEURONS);
      Integers.Steps curve = integers.unary("QLinearSigmoid", gate, Curves::sigmoid);
      Integers.Steps mlp = integers.binary("QLinearMul", gate, curve);
      Integers.Steps out = integers.matMul(mlp, WIDTH);
      x = integers.binary("QLinearAdd", x, out);
      expected.add(
          new Sites(
              new Value(null, mlp.rows()), new Value(null, out.rows()), new Value(null, x.rows())));
    }
    Value end = graph.layerNorm(integers.floats(x));
    Sites.assertClose(graph.write(directory.resolve("model.onnx"), end), expected, 0.20);
  }
}
