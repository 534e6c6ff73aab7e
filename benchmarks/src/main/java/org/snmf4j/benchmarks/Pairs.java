package org.snmf4j.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * Times of a measured call, each between two runs of what it is compared with, so that a machine
 * that gets slower or faster meanwhile favours neither. A pause comes before each: ONNX Runtime's
 * threads spin for a while after their last operator, at the cost of another session's.
 */
public final class Pairs {
  private static final long PAUSE_MILLIS = 100;

  private final Runnable base;
  private final List<Double> baseSeconds = new ArrayList<>();
  private final List<Double> seconds = new ArrayList<>();
  private double before;
  private long begin;

  /**
   * @param base what the measured call is compared with
   */
  public Pairs(Runnable base) {
    this.base = base;
  }

  /** Runs the base; the measured call has to follow at once. */
  public void begin() {
    before = time();
    pause();
    begin = System.nanoTime();
  }

  /**
   * Ends the measured call and runs the base again.
   *
   * @param counts whether to keep the figures, that is, the call was no warm-up
   */
  public void end(boolean counts) {
    double measured = (System.nanoTime() - begin) * 1e-9;
    double after = time();
    if (counts) {
      seconds.add(measured);
      baseSeconds.add((before + after) / 2);
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private double time() {
    pause();
    long start = System.nanoTime();
    base.run();
    return (System.nanoTime() - start) * 1e-9;
  }

  /** Median seconds of the base. */
  public double baseSeconds() {
    return Samples.median(baseSeconds);
  }

  /** Median seconds of the measured call. */
  public double seconds() {
    return Samples.median(seconds);
  }

  /** Measured over base, by pair: its median and a 99 % bootstrap interval of that. */
  public String ratio() {
    double[] ratios = new double[seconds.size()];
    double[] ones = new double[ratios.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = seconds.get(i) / baseSeconds.get(i);
      ones[i] = 1;
    }
    Bootstrap.Ratio ratio = Bootstrap.ratio(List.of(ones), List.of(ratios), 0.99);
    return "%.3f [%.3f, %.3f]".formatted(ratio.value(), ratio.low(), ratio.high());
  }
}
