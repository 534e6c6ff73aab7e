package org.snmf4j.onnx.layouts;

import static org.snmf4j.onnx.layouts.Packed.number;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.snmf4j.onnx.graph.GraphBuilder;

/** Products of 8-bit integers, as quantizers write them. Values are those before any rounding. */
final class Integers {
  private final TracedGraph g;

  Integers(TracedGraph graph) {
    g = graph;
  }

  /** Activations of 8 bits with their scale and zero point, which are names. */
  record Steps(String name, String scale, String zero, double[][] rows) {}

  private Steps dynamic(Value x) {
    List<String> names = List.of(g.name("steps"), g.name("scale"), g.name("zero"));
    g.node("DynamicQuantizeLinear", List.of(), List.of(x.name()), names);
    return new Steps(names.get(0), names.get(1), names.get(2), x.rows());
  }

  /** Integer product, cast and scaled by both factors. */
  Value matMulInteger(Value x, int columns) {
    Packed.Bytes w = Packed.bytes(g, x.columns(), columns, false);
    Steps steps = dynamic(x);
    String zero = number(g, DataType.INT8, 0);
    String product = g.node("MatMulInteger", steps.name(), w.stored(), steps.zero(), zero);
    List<AttributeProto> toFloat = List.of(GraphBuilder.integer("to", DataType.FLOAT.getNumber()));
    String cast = g.node("Cast", toFloat, product);
    String factor = g.node("Mul", steps.scale(), w.scales().name());
    Value exact = new Value(g.node("Mul", cast, factor), x.times(w.value()));
    return g.add(exact, g.vector(columns, 0));
  }

  Value dynamicQuantizeMatMul(Value x, int columns) {
    Packed.Bytes w = Packed.bytes(g, x.columns(), columns, false);
    Value bias = g.vector(columns, 0);
    String zero = number(g, DataType.INT8, 0);
    String name =
        g.fused(
            "DynamicQuantizeMatMul",
            List.of(),
            x.name(),
            w.stored(),
            w.scales().name(),
            zero,
            bias.name());
    return new Value(name, new Value(null, x.times(w.value())).with(bias, Double::sum));
  }

  Value matMulIntegerToFloat(Value x, int columns) {
    Packed.Bytes w = Packed.bytes(g, x.columns(), columns, false);
    Steps steps = dynamic(x);
    Value bias = g.vector(columns, 0);
    String name =
        g.fused(
            "MatMulIntegerToFloat",
            List.of(),
            steps.name(),
            w.stored(),
            steps.scale(),
            w.scales().name(),
            steps.zero(),
            number(g, DataType.INT8, 0),
            bias.name());
    return new Value(name, new Value(null, x.times(w.value())).with(bias, Double::sum));
  }

  /** Quantized and dequantized before and after the product, its matrix only dequantized. */
  Value betweenQuantizers(Value x, int columns) {
    Packed.Bytes w = Packed.bytes(g, x.columns(), columns, false);
    Value before = floats(quantize(x));
    String matrix =
        g.node("DequantizeLinear", w.stored(), w.scales().name(), number(g, DataType.INT8, 0));
    Value product = new Value(g.node("MatMul", before.name(), matrix), x.times(w.value()));
    return floats(quantize(g.add(product, g.vector(columns, 0))));
  }

  Steps quantize(Value x) {
    Steps to = range(x.rows());
    return new Steps(
        g.node("QuantizeLinear", x.name(), to.scale(), to.zero()), to.scale(), to.zero(), x.rows());
  }

  Value floats(Steps x) {
    return new Value(g.node("DequantizeLinear", x.name(), x.scale(), x.zero()), x.rows());
  }

  /** Scale and zero point that a calibration on the very same values would find. */
  private Steps range(double[][] rows) {
    double peak = 0;
    for (double[] row : rows) {
      for (double value : row) {
        peak = Math.max(peak, Math.abs(value));
      }
    }
    return new Steps(null, g.scalar(peak / 127).name(), number(g, DataType.INT8, 0), rows);
  }

  Steps matMul(Steps x, int columns) {
    Packed.Bytes w = Packed.bytes(g, x.rows()[0].length, columns, false);
    double[][] rows = new Value(null, x.rows()).times(w.value());
    Steps to = range(rows);
    String zero = number(g, DataType.INT8, 0);
    String name =
        g.node(
            "QLinearMatMul",
            x.name(),
            x.scale(),
            x.zero(),
            w.stored(),
            w.scales().name(),
            zero,
            to.scale(),
            to.zero());
    return new Steps(name, to.scale(), to.zero(), rows);
  }

  /** {@code QLinearAdd} or {@code QLinearMul}. */
  Steps binary(String op, Steps a, Steps b) {
    Value left = new Value(null, a.rows());
    boolean product = op.equals("QLinearMul");
    double[][] rows = left.with(new Value(null, b.rows()), (x, y) -> product ? x * y : x + y);
    Steps to = range(rows);
    String name =
        g.fused(
            op,
            List.of(),
            a.name(),
            a.scale(),
            a.zero(),
            b.name(),
            b.scale(),
            b.zero(),
            to.scale(),
            to.zero());
    return new Steps(name, to.scale(), to.zero(), rows);
  }

  Steps unary(String op, Steps x, DoubleUnaryOperator function) {
    double[][] rows = new Value(null, x.rows()).map(function);
    Steps to = range(rows);
    String name = g.fused(op, List.of(), x.name(), x.scale(), x.zero(), to.scale(), to.zero());
    return new Steps(name, to.scale(), to.zero(), rows);
  }
}
