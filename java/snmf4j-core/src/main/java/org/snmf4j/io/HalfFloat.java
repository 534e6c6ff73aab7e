package org.snmf4j.io;

/** Half precision to single precision, exactly. Java 17 has no such conversion of its own. */
final class HalfFloat {
  private HalfFloat() {}

  /** IEEE 754 binary16: 1 sign bit, 5 of exponent (bias 15), 10 of mantissa. */
  static float fromF16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int wide = exponent == 0x1f ? 0xff : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | wide << 23 | mantissa << 13);
  }

  /** bfloat16: the upper half of a float32. */
  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
