package org.snmf4j.backend;

/**
 * How packed activations are stored. Arithmetic on them is the backend's own whatever the storage,
 * and coefficients and features are never stored in less than float32.
 */
public enum Precision {
  /** IEEE 754 binary32, or the backend's element type where that is wider. */
  FP32(4, 23, -126, Float.MAX_VALUE),
  /** IEEE 754 binary16: 11 significant bits, magnitudes up to 65504; denormals are kept. */
  FP16(2, 10, -14, 65_504),
  /** bfloat16, the upper half of a binary32: 8 significant bits and the range of float32. */
  BF16(2, 7, -126, 0x1.FEp127);

  private final int bytes;
  private final int mantissaBits;
  private final int leastExponent;
  private final double largest;

  Precision(int bytes, int mantissaBits, int leastExponent, double largest) {
    this.bytes = bytes;
    this.mantissaBits = mantissaBits;
    this.leastExponent = leastExponent;
    this.largest = largest;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The largest number that can be stored. */
  public double largest() {
    return largest;
  }

  /**
   * The number that is stored for a value: rounded to float32 and then to this, each time to
   * nearest and ties to even.
   *
   * @return an infinity if the value lies beyond {@link #largest()} after rounding; NaN for NaN
   */
  public double round(double value) {
    float single = (float) value;
    if (this == FP32 || single == 0 || !Float.isFinite(single)) {
      return single;
    }
    // Both are powers of two, so that only rint rounds.
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(single), leastExponent) - mantissaBits);
    double rounded = Math.rint(single / unit) * unit;
    return Math.abs(rounded) > largest ? Math.copySign(Double.POSITIVE_INFINITY, value) : rounded;
  }

  /** The name in lower case: {@code fp32}, {@code fp16} or {@code bf16}. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
