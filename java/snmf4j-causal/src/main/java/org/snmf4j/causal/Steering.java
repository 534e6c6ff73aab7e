package org.snmf4j.causal;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.snmf4j.error.InvalidArgumentException;

/**
 * A change of a model's activations x at a direction's site, at every position and in one or
 * several layers: x + αv ({@link #add}) or αv ({@link #replace}). Immutable.
 */
public final class Steering {
  /** Leaves every activation as it is. */
  public static final Steering NONE = new Steering(null, 0, new int[0], false);

  private final Direction direction;
  private final double alpha;
  private final int[] layers;
  private final boolean replacing;

  private Steering(Direction direction, double alpha, int[] layers, boolean replacing) {
    this.direction = direction;
    this.alpha = alpha;
    this.layers = layers;
    this.replacing = replacing;
  }

  /**
   * Activations become x + αv.
   *
   * @param direction v, {@code [width of its site]}
   * @param alpha α; α·v must be finite in single precision
   * @param layers 0-based, at least one; the same α·v in each
   * @throws InvalidArgumentException if α is not finite or too large, or no layer is given
   */
  public static Steering add(Direction direction, double alpha, int... layers) {
    return of(direction, alpha, layers, false);
  }

  /**
   * Activations become αv, whatever they were.
   *
   * @param direction v, {@code [width of its site]}
   * @param alpha α; α·v must be finite in single precision
   * @param layers 0-based, at least one; the same α·v in each
   * @throws InvalidArgumentException if α is not finite or too large, or no layer is given
   */
  public static Steering replace(Direction direction, double alpha, int... layers) {
    return of(direction, alpha, layers, true);
  }

  private static Steering of(Direction direction, double alpha, int[] layers, boolean replacing) {
    Objects.requireNonNull(direction, "direction");
    if (layers.length == 0) {
      throw new InvalidArgumentException("layers", "empty", "at least one layer");
    }
    int[] distinct = Arrays.stream(layers).distinct().sorted().toArray();
    if (distinct[0] < 0) {
      throw new InvalidArgumentException("layer", distinct[0], "at least 0");
    }
    requireFinite(direction, alpha);
    return new Steering(direction, alpha, distinct, replacing);
  }

  private static void requireFinite(Direction direction, double alpha) {
    if (!Double.isFinite(alpha)) {
      throw new InvalidArgumentException("alpha", alpha, "finite");
    }
    for (float value : direction.values()) {
      if (Math.abs(alpha * value) > Float.MAX_VALUE) {
        throw new InvalidArgumentException(
            "alpha", alpha, "so small that alpha times " + value + " fits single precision");
      }
    }
  }

  /**
   * The same change with another α.
   *
   * @throws InvalidArgumentException if α is not finite or too large, or nothing is steered
   */
  public Steering withAlpha(double changed) {
    if (isNone()) {
      throw new InvalidArgumentException("steering", "NONE", "one with a direction");
    }
    requireFinite(direction, changed);
    return new Steering(direction, changed, layers, replacing);
  }

  /** Whether nothing is steered. */
  public boolean isNone() {
    return direction == null;
  }

  /** v, or null if nothing is steered. */
  public Direction direction() {
    return direction;
  }

  /** α; 0 if nothing is steered. */
  public double alpha() {
    return alpha;
  }

  /** A copy of the layers, ascending, 0-based. */
  public int[] layers() {
    return layers.clone();
  }

  /** Whether αv takes the activations' place instead of being added to them. */
  public boolean isReplacing() {
    return replacing;
  }

  /** αv, {@code [width]}. */
  float[] shift() {
    float[] shift = direction.values();
    for (int i = 0; i < shift.length; i++) {
      shift[i] = (float) (alpha * shift[i]);
    }
    return shift;
  }

  @Override
  public String toString() {
    return isNone()
        ? "not steered"
        : (replacing ? "replaced by " : "plus ")
            + alpha
            + " x "
            + direction
            + ", layers "
            + Arrays.stream(layers).mapToObj(String::valueOf).collect(Collectors.joining(", "));
  }
}
