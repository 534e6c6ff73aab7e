package org.snmf4j.onnx.layouts;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;

/** Constants in types narrower than float, with the values that they stand for. */
final class Packed {
  private Packed() {}

  /** A constant of raw bytes. */
  static String raw(TracedGraph g, TensorProto.DataType type, byte[] bytes, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(g.name("packed"))
            .setDataType(type.getNumber())
            .setRawData(ByteString.copyFrom(bytes));
    for (long axis : shape) {
      tensor.addDims(axis);
    }
    return g.graph.add(tensor.build());
  }

  /** One of the two stored halves of a pair. */
  static String number(TracedGraph g, TensorProto.DataType type, int value) {
    return raw(g, type, new byte[] {(byte) value});
  }

  /**
   * A matrix on 8-bit steps per column.
   *
   * @param stored the integers' name
   * @param scales a float constant, one number per column
   * @param value the rounded matrix; its name is null
   */
  record Bytes(String stored, Value scales, Value value) {}

  static Bytes bytes(TracedGraph g, int rows, int columns, boolean perColumn) {
    double[][] exact = g.normal(rows, columns, 0.25);
    double[][] scale = new double[1][perColumn ? columns : 1];
    for (double[] row : exact) {
      for (int j = 0; j < columns; j++) {
        int at = perColumn ? j : 0;
        scale[0][at] = Math.max(scale[0][at], (float) (Math.abs(row[j]) / 127));
      }
    }
    byte[] stored = new byte[rows * columns];
    double[][] rounded = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double step = scale[0][perColumn ? j : 0];
        stored[i * columns + j] = (byte) Math.rint(exact[i][j] / step);
        rounded[i][j] = stored[i * columns + j] * step;
      }
    }
    String name = raw(g, TensorProto.DataType.INT8, stored, rows, columns);
    Value scales = perColumn ? g.constant(scale, columns) : g.constant(scale);
    return new Bytes(name, scales, new Value(null, rounded));
  }

  /**
   * A matrix in blocks of 16 rows with 4 bits per value, as {@code MatMulNBits} stores it.
   *
   * @param stored {@code [columns, blocks, 8]} bytes, two values each
   * @param scales {@code [columns * blocks]}
   */
  record Nibbles(String stored, Value scales, Value value) {}

  static final int BLOCK = 16;

  static Nibbles nibbles(TracedGraph g, int rows, int columns) {
    int blocks = (rows + BLOCK - 1) / BLOCK;
    double[][] exact = g.normal(rows, columns, 0.25);
    byte[] stored = new byte[columns * blocks * BLOCK / 2];
    double[][] scales = new double[1][columns * blocks];
    double[][] rounded = new double[rows][columns];
    for (int j = 0; j < columns; j++) {
      for (int block = 0; block < blocks; block++) {
        double peak = 0;
        for (int i = block * BLOCK; i < Math.min(rows, (block + 1) * BLOCK); i++) {
          peak = Math.max(peak, Math.abs(exact[i][j]));
        }
        double step = (float) (peak / 7);
        scales[0][j * blocks + block] = step;
        for (int i = 0; i < BLOCK; i++) {
          int row = block * BLOCK + i;
          int steps = row < rows ? (int) Math.rint(exact[row][j] / step) : 0;
          int at = ((j * blocks + block) * BLOCK + i) / 2;
          stored[at] |= (byte) ((steps + 8) << (i % 2 * 4));
          if (row < rows) {
            rounded[row][j] = steps * step;
          }
        }
      }
    }
    String name = raw(g, TensorProto.DataType.UINT8, stored, columns, blocks, BLOCK / 2);
    return new Nibbles(name, g.constant(scales, columns * blocks), new Value(null, rounded));
  }

  /** A matrix in float16 or bfloat16, whose values are those of the upper bits. */
  static Value half(TracedGraph g, TensorProto.DataType type, int rows, int columns) {
    double[][] exact = g.normal(rows, columns, 0.25);
    byte[] stored = new byte[rows * columns * 2];
    double[][] rounded = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        int bits = bits(type, (float) exact[i][j]);
        stored[2 * (i * columns + j)] = (byte) bits;
        stored[2 * (i * columns + j) + 1] = (byte) (bits >> 8);
        rounded[i][j] = value(type, bits);
      }
    }
    return new Value(raw(g, type, stored, rows, columns), rounded);
  }

  static int bits(TensorProto.DataType type, float value) {
    int bits = Float.floatToRawIntBits(value);
    if (type == TensorProto.DataType.BFLOAT16) {
      return (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
    }
    // Fourteen bits of the mantissa are cut; small numbers would need subnormals and become 0.
    int exponent = (bits >>> 23 & 0xff) - 127 + 15;
    int half = exponent <= 0 ? 0 : exponent << 10 | bits >>> 13 & 0x3ff;
    return bits >>> 16 & 0x8000 | half;
  }

  static double value(TensorProto.DataType type, int bits) {
    if (type == TensorProto.DataType.BFLOAT16) {
      return Float.intBitsToFloat(bits << 16);
    }
    int exponent = bits >>> 10 & 0x1f;
    double size = exponent == 0 ? 0 : Math.scalb(1 + (bits & 0x3ff) / 1024.0, exponent - 15);
    return (bits & 0x8000) == 0 ? size : -size;
  }
}
