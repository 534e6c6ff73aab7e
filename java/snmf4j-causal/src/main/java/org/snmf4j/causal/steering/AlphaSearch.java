package org.snmf4j.causal.steering;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleUnaryOperator;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * Finds how strong a steering must be for a wanted KL(base‖steered) of the next token.
 *
 * <p>KL need not grow with α: it saturates where a norm follows the site, and may fall again. So
 * the search first brackets the target, from small α on, then bisects, and a target above all that
 * was seen is reported as unreachable. α is limited to 4096 lengths of the direction.
 *
 * <p>Immutable, safe for use by several threads; the model must stay open.
 */
public final class AlphaSearch {
  /** First magnitudes, in lengths of the direction. */
  private static final double[] NEAR = {1, 4, 16, 64};

  private static final double[] FAR = {256, 1024, 4096};

  /**
   * Points between the neighbours of the largest KL, and how often it is looked at more closely.
   */
  private static final int REFINED = 6;

  private static final int REFINEMENTS = 2;

  /** A bracket that is this narrow, relatively, is at the end of single precision. */
  private static final double NARROWEST = 1e-7;

  /** Each round halves the bracket at least, so that this many are enough for NARROWEST. */
  private static final int MAX_ROUNDS = 50;

  private final NextTokens nextTokens;
  private final Steering steering;
  private final double tolerance;
  private final BooleanSupplier cancelled;

  private AlphaSearch(Builder builder) {
    steering = builder.steering;
    tolerance = builder.tolerance;
    cancelled = builder.cancelled;
    nextTokens = new NextTokens(builder.model, builder.prompts);
  }

  /**
   * Starts to describe a search.
   *
   * @param steering what to scale; its own α does not matter
   * @param prompts {@code [prompts][length]}, at least one; the KL is the mean over them
   */
  public static Builder builder(CausalModel model, Steering steering, int[][] prompts) {
    return new Builder(model, steering, prompts);
  }

  /**
   * Finds α above 0.
   *
   * @param kl the wanted KL, in nats; above 0
   * @throws CancelledException if the caller cancelled
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
   */
  public AlphaResult positive(double kl) {
    return new Search(kl, 1).run();
  }

  /** Finds α below 0; otherwise as {@link #positive}. */
  public AlphaResult negative(double kl) {
    return new Search(kl, -1).run();
  }

  /** One target and one sign. */
  private final class Search {
    private final double target;
    private final int sign;
    private final NavigableMap<Double, Double> seen = new TreeMap<>();

    Search(double target, int sign) {
      if (!(target > 0) || Double.isInfinite(target)) {
        throw new InvalidArgumentException("KL", target, "above 0 and finite");
      }
      this.target = target;
      this.sign = sign;
    }

    AlphaResult run() {
      double length = steering.direction().length();
      if (!(length > 0)) {
        return AlphaResult.unreachable(target, 0, "the direction is zero");
      }
      double limit = 0.5 * Float.MAX_VALUE / length;
      DoubleUnaryOperator magnitude = lengths -> Math.min(limit, lengths / length);
      if (steering.isReplacing()) {
        see(0);
      } else {
        seen.put(0.0, 0.0);
      }
      see(Arrays.stream(NEAR).map(magnitude).toArray());
      if (!isSettled()) {
        see(Arrays.stream(FAR).map(magnitude).toArray());
      }
      for (int i = 0; i < REFINEMENTS && !isSettled(); i++) {
        seeAroundLargest();
      }
      return isSettled() ? bisect() : AlphaResult.unreachable(target, largest(), reason());
    }

    private String reason() {
      if (target < largest()) {
        return "KL falls from "
            + seen.get(0.0)
            + " at alpha 0 but not to "
            + target
            + "; the smallest seen is "
            + seen.values().stream().min(Double::compare).orElseThrow();
      }
      return "KL stays below "
          + target
          + ": the largest seen is "
          + largest()
          + ", at alpha "
          + sign * argLargest()
          + "; alpha went up to "
          + sign * seen.lastKey();
    }

    /** Measures KL at magnitudes of α; those where logits overflow are forgotten. */
    private void see(double... magnitudes) {
      if (cancelled.getAsBoolean()) {
        throw new CancelledException(
            "the search for alpha was cancelled after " + (seen.size() - 1) + " values");
      }
      double[] fresh =
          Arrays.stream(magnitudes).distinct().filter(m -> !seen.containsKey(m)).toArray();
      double[] kl = divergences(Arrays.stream(fresh).map(m -> sign * m).toArray());
      for (int i = 0; i < fresh.length; i++) {
        if (Double.isFinite(kl[i])) {
          seen.put(fresh[i], kl[i]);
        }
      }
    }

    private void seeAroundLargest() {
      double at = argLargest();
      Map.Entry<Double, Double> before = seen.lowerEntry(at);
      Map.Entry<Double, Double> after = seen.higherEntry(at);
      double from = before == null ? at : before.getKey();
      double to = after == null ? at : after.getKey();
      double[] between = new double[REFINED];
      for (int i = 0; i < REFINED; i++) {
        double share = (i + 1.0) / (REFINED + 1);
        // Peaks are as wide as they are far away, so points are spread by their logarithm.
        between[i] = from > 0 ? from * Math.pow(to / from, share) : to * share;
      }
      see(between);
    }

    private double argLargest() {
      return seen.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow().getKey();
    }

    private double largest() {
      return seen.get(argLargest());
    }

    /** The end of the first stretch in which KL crosses the target, or null. */
    private Double bracketEnd() {
      Boolean wasBelow = null;
      for (Map.Entry<Double, Double> entry : seen.entrySet()) {
        boolean isBelow = entry.getValue() < target;
        if (wasBelow != null && wasBelow != isBelow) {
          return entry.getKey();
        }
        wasBelow = isBelow;
      }
      return null;
    }

    private boolean isSettled() {
      return isNear(nearest()) || bracketEnd() != null;
    }

    private boolean isNear(double magnitude) {
      return magnitude > 0 && Math.abs(seen.get(magnitude) - target) <= tolerance * target;
    }

    private AlphaResult bisect() {
      for (int round = 0; round < MAX_ROUNDS && !isNear(nearest()); round++) {
        double high = bracketEnd();
        double low = seen.lowerKey(high);
        if (high - low <= NARROWEST * high) {
          break;
        }
        double guess = guess(low, high);
        see((low + guess) / 2, guess, (guess + high) / 2);
      }
      double nearest = nearest();
      if (isNear(nearest)) {
        return AlphaResult.found(target, sign * nearest, seen.get(nearest), largest());
      }
      double high = bracketEnd();
      return AlphaResult.unreachable(
          target,
          largest(),
          "KL jumps from "
              + seen.lowerEntry(high).getValue()
              + " to "
              + seen.get(high)
              + " at alpha "
              + sign * high);
    }

    /** The magnitude above 0 whose KL is nearest to the target; 0 if none was measured. */
    private double nearest() {
      double nearest = 0;
      for (Map.Entry<Double, Double> entry : seen.tailMap(0.0, false).entrySet()) {
        if (nearest == 0
            || Math.abs(entry.getValue() - target) < Math.abs(seen.get(nearest) - target)) {
          nearest = entry.getKey();
        }
      }
      return nearest;
    }

    /** Where KL would meet the target if it were a power of α; its square next to 0. */
    private double guess(double low, double high) {
      double atLow = seen.get(low);
      double atHigh = seen.get(high);
      double guess;
      if (low > 0 && atLow > 0 && atHigh > 0) {
        double share = Math.log(target / atLow) / Math.log(atHigh / atLow);
        guess = low * Math.pow(high / low, share);
      } else {
        guess = high * Math.sqrt(target / atHigh);
      }
      return guess > low && guess < high ? guess : (low + high) / 2;
    }
  }

  /** Mean KL per α. */
  private double[] divergences(double[] alphas) {
    return nextTokens.steered(Arrays.stream(alphas).mapToObj(steering::withAlpha).toList()).stream()
        .mapToDouble(nextTokens::divergence)
        .toArray();
  }

  /** Describes a search. Not safe for use by several threads. */
  public static final class Builder {
    private final CausalModel model;
    private final Steering steering;
    private final int[][] prompts;
    private double tolerance = 0.01;
    private BooleanSupplier cancelled = () -> false;

    private Builder(CausalModel model, Steering steering, int[][] prompts) {
      this.model = Objects.requireNonNull(model, "model");
      this.steering = Objects.requireNonNull(steering, "steering");
      this.prompts = prompts;
    }

    /** How far the KL may be from the target, relatively; above 0 and below 1, 0.01 by default. */
    public Builder tolerance(double relative) {
      if (!(relative > 0 && relative < 1)) {
        throw new InvalidArgumentException("tolerance", relative, "above 0 and below 1");
      }
      tolerance = relative;
      return this;
    }

    /** Asked before every run of the model; once it says true, a CancelledException follows. */
    public Builder cancellation(BooleanSupplier requested) {
      cancelled = Objects.requireNonNull(requested, "cancellation");
      return this;
    }

    /**
     * The search; runs the prompts without steering.
     *
     * @throws InvalidArgumentException if there is no prompt or an empty one, or the steering is
     *     {@link Steering#NONE} or does not fit the model
     * @throws org.snmf4j.onnx.TokenizerMismatchException if an id is not in the model's vocabulary
     * @throws org.snmf4j.onnx.ContextOverflowException if a prompt is longer than the model's
     *     context
     * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
     */
    public AlphaSearch build() {
      if (steering.isNone()) {
        throw new InvalidArgumentException("steering", "NONE", "one with a direction");
      }
      model.check(prompts, List.of(steering));
      return new AlphaSearch(this);
    }
  }
}
