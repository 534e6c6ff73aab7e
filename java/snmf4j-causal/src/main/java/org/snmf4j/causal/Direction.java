package org.snmf4j.causal;

import java.util.Objects;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.onnx.activations.Site;

/** A vector in the activations of a site: what steering adds. Immutable. */
public final class Direction {
  private final String name;
  private final Site site;
  private final float[] values;

  private Direction(String name, Site site, float[] values) {
    this.name = name;
    this.site = site;
    this.values = values;
  }

  /**
   * A vector, taken as it is.
   *
   * @param name what people call it
   * @param values {@code [width of the site]}; copied
   * @throws InvalidArgumentException if there are no values
   * @throws NonFiniteValueException if one is NaN or infinite
   */
  public static Direction of(String name, Site site, float[] values) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(site, "site");
    if (values.length == 0) {
      throw new InvalidArgumentException("values", "empty", "at least one value");
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new NonFiniteValueException("direction " + name, i, 0, values[i]);
      }
    }
    return new Direction(name, site, values.clone());
  }

  /**
   * A feature of a model, scaled to unit length.
   *
   * @param site where the model's activations were taken
   * @param feature 0-based
   * @throws InvalidArgumentException if there is no such feature, or if it is zero
   */
  public static Direction ofFeature(SnmfModel model, Site site, int feature) {
    if (feature < 0 || feature >= model.rank()) {
      throw new InvalidArgumentException("feature", feature, "between 0 and " + (model.rank() - 1));
    }
    float[] values = new float[Math.toIntExact(model.neurons())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) model.features().get(i, feature);
    }
    return of("feature " + feature, site, values).unit();
  }

  /** The same direction with unit length. */
  public Direction unit() {
    double length = length();
    if (!(length > 0)) {
      throw new InvalidArgumentException("direction " + name, "zero", "nonzero");
    }
    float[] scaled = new float[values.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (values[i] / length);
    }
    return new Direction(name, site, scaled);
  }

  /** What people call it. */
  public String name() {
    return name;
  }

  /** Where it lies. */
  public Site site() {
    return site;
  }

  /** Number of values, the width of the site. */
  public int size() {
    return values.length;
  }

  /** A copy of the values. */
  public float[] values() {
    return values.clone();
  }

  /** Euclidean length. */
  public double length() {
    double square = 0;
    for (float value : values) {
      square += (double) value * value;
    }
    return Math.sqrt(square);
  }

  @Override
  public String toString() {
    return name + " at " + site.id() + ", " + values.length + " values";
  }
}
