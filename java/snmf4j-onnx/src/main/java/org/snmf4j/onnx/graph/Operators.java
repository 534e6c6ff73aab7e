package org.snmf4j.onnx.graph;

import java.util.Set;

/** What kinds of operators do to the flow of activations. */
final class Operators {
  private Operators() {}

  /** The values of input 0 go on unchanged, up to shape and rounding. */
  private static final Set<String> PASSING =
      Set.of(
          "Identity",
          "Cast",
          "CastLike",
          "Reshape",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "Dropout",
          "QuantizeLinear",
          "DequantizeLinear",
          "DynamicQuantizeLinear");

  /** Parts of input 0 go on, or all of it in another order, or several times. */
  private static final Set<String> SELECTING =
      Set.of("Split", "SplitToSequence", "SequenceAt", "Slice", "Transpose", "Expand", "Tile");

  private static final Set<String> ACTIVATIONS =
      Set.of(
          "Relu",
          "LeakyRelu",
          "PRelu",
          "ThresholdedRelu",
          "Elu",
          "Selu",
          "Celu",
          "Gelu",
          "FastGelu",
          "BiasGelu",
          "QuickGelu",
          "BiasSplitGelu",
          "Silu",
          "Swish",
          "Mish",
          "HardSwish",
          "HardSigmoid",
          "Sigmoid",
          "Tanh",
          "Erf",
          "Softplus",
          "Softsign",
          "Exp",
          "Log",
          "Abs",
          "Pow",
          "Clip",
          "Max",
          "Min",
          "Where",
          "Sin",
          "Cos");

  private static final Set<String> LINEAR =
      Set.of(
          "Neg",
          "Sqrt",
          "Reciprocal",
          "Rsqrt",
          "Sign",
          "Round",
          "Floor",
          "Ceil",
          "Mod",
          "IsNaN",
          "IsInf",
          "Not",
          "And",
          "Or",
          "Xor",
          "Greater",
          "GreaterOrEqual",
          "Less",
          "LessOrEqual",
          "Equal",
          "Add",
          "Sub",
          "Sum",
          "Concat",
          "BiasAdd");

  private static final Set<String> FUSED_NORMS =
      Set.of(
          "LayerNormalization",
          "SimplifiedLayerNormalization",
          "RMSNormalization",
          "LpNormalization");

  /** Many MLPs in one operator, of which each token uses some. */
  private static final Set<String> MIXTURES = Set.of("MoE", "QMoE");

  /** Norms of a sum of two tensors, the sum being output 3. */
  private static final Set<String> SKIP_NORMS =
      Set.of("SkipLayerNormalization", "SkipSimplifiedLayerNormalization");

  /** Input 0 goes on unchanged, its type included. */
  private static final Set<String> RESHAPING =
      Set.of("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose");

  /** The operator's name, or that of the operator on floats for which one on integers stands. */
  private static String kind(Node node) {
    String op = node.op();
    return op.startsWith("QLinear") ? op.substring("QLinear".length()) : op;
  }

  static boolean isReshaping(Node node) {
    return RESHAPING.contains(node.op());
  }

  /** Takes the steps that activations are rounded to from their own range. */
  static boolean isDynamicQuantization(Node node) {
    return node.op().equals("DynamicQuantizeLinear") || node.op().equals("DynamicQuantizeMatMul");
  }

  static boolean isPassing(Node node) {
    return PASSING.contains(node.op());
  }

  static boolean isSelecting(Node node) {
    return SELECTING.contains(node.op());
  }

  static boolean isActivation(Node node) {
    return ACTIVATIONS.contains(kind(node));
  }

  static boolean isLinear(Node node) {
    return LINEAR.contains(kind(node));
  }

  static boolean isReduction(Node node) {
    return kind(node).startsWith("Reduce");
  }

  static boolean isFusedNorm(Node node) {
    return FUSED_NORMS.contains(node.op());
  }

  static boolean isMixture(Node node) {
    return MIXTURES.contains(node.op());
  }

  static boolean isSkipNorm(Node node) {
    return SKIP_NORMS.contains(node.op());
  }

  /** A product or quotient of its two inputs. */
  static boolean isProduct(Node node) {
    return kind(node).equals("Mul") || kind(node).equals("Div");
  }

  static boolean isSum(Node node) {
    return kind(node).equals("Add") || kind(node).equals("Sum");
  }

  /** Only the shape of what it reads matters to it. */
  static boolean readsShapeOnly(Node node) {
    return node.op().equals("Shape") || node.op().equals("Size");
  }
}
