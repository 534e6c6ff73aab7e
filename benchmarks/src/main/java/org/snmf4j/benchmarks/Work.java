package org.snmf4j.benchmarks;

/**
 * What an operation has to do at least.
 *
 * @param flops floating-point operations; those in float64 count as much as those in float32
 * @param bytes of memory read and written, each datum once
 */
record Work(double flops, double bytes) {
  Work plus(Work other) {
    return new Work(flops + other.flops, bytes + other.bytes);
  }

  /** Seconds below which this cannot be done. */
  double floor(Peaks.Measured peaks) {
    return Math.max(bytes / peaks.bandwidth(), flops / peaks.flops());
  }

  /** Whether memory, not arithmetic, sets the floor. */
  boolean isMemoryBound(Peaks.Measured peaks) {
    return bytes / peaks.bandwidth() > flops / peaks.flops();
  }
}
