package org.snmf4j;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

/**
 * A decomposition A ≈ Z·Y: features Z {@code [d, k]} with columns of unit ℓ2 norm, coefficients Y
 * {@code [k, n]} ≥ 0 that carry the scale, and the report of the fit that they come from.
 *
 * <p>Owns both matrices; {@link #close()} closes them. Immutable, so safe for use by several
 * threads while open.
 */
public final class SnmfModel implements AutoCloseable {
  private final Matrix features;
  private final Matrix coefficients;
  private final double[] explainedVariance;
  private final FitReport report;
  private final Map<String, String> attributes;
  private final int[][] supports;
  private final FeatureStatistics[] statistics;
  private ModelStatistics modelStatistics;

  SnmfModel(
      Matrix features,
      Matrix coefficients,
      double[] explainedVariance,
      FitReport report,
      Map<String, String> attributes) {
    this.features = features;
    this.coefficients = coefficients;
    this.explainedVariance = explainedVariance;
    this.report = report;
    this.attributes = attributes;
    supports = new int[rank()][];
    statistics = new FeatureStatistics[rank()];
  }

  /** Moves the scale of the factors into the coefficients and takes them over. */
  static SnmfModel of(
      Matrix features,
      Matrix coefficients,
      double[] explainedVariance,
      FitReport report,
      Map<String, String> attributes) {
    Normalization.unitFeatures(features, coefficients);
    return new SnmfModel(features, coefficients, explainedVariance, report, attributes);
  }

  /** d. */
  public long neurons() {
    return features.rows();
  }

  /** k. */
  public int rank() {
    return (int) features.columns();
  }

  /** n. */
  public long tokens() {
    return coefficients.columns();
  }

  /**
   * Z {@code [d, k]}; unit columns, zero for a dead feature. Belongs to the model: read only, do
   * not close.
   */
  public Matrix features() {
    return features;
  }

  /** Y {@code [k, n]} ≥ 0. Belongs to the model: read only, do not close. */
  public Matrix coefficients() {
    return coefficients;
  }

  /** Share of ‖A‖² that each feature explains, {@code [k]}. */
  double[] explainedVariance() {
    return explainedVariance;
  }

  /** How the fit went. */
  public FitReport report() {
    return report;
  }

  /**
   * What {@link SnmfOptions.Builder#attributes} told about the activations, by name; immutable,
   * sorted, often empty. The {@code snmf4j} command notes {@code site}, {@code layer} and {@code
   * model} there.
   */
  public Map<String, String> attributes() {
    return attributes;
  }

  /**
   * The neurons that a feature is made of: indices of its nonzeros, ascending.
   *
   * @param feature between 0 and k − 1
   */
  public int[] support(int feature) {
    requireFeature(feature);
    synchronized (supports) {
      if (supports[feature] == null) {
        int count = 0;
        int[] found = new int[16];
        for (int i = 0; i < neurons(); i++) {
          if (features.get(i, feature) != 0) {
            found = count == found.length ? Arrays.copyOf(found, 2 * count) : found;
            found[count++] = i;
          }
        }
        supports[feature] = Arrays.copyOf(found, count);
      }
      return supports[feature].clone();
    }
  }

  /**
   * Facts about a feature; the first call reads its coefficients.
   *
   * @param feature between 0 and k − 1
   */
  public FeatureStatistics statistics(int feature) {
    requireFeature(feature);
    synchronized (statistics) {
      if (statistics[feature] == null) {
        statistics[feature] = computeStatistics(feature);
      }
      return statistics[feature];
    }
  }

  /**
   * Facts about the model as a whole; the first call reads both factors. Features that {@link
   * #statistics(int)} was asked about are not read again.
   */
  public ModelStatistics statistics() {
    synchronized (statistics) {
      if (modelStatistics == null) {
        modelStatistics = computeStatistics();
      }
      return modelStatistics;
    }
  }

  private ModelStatistics computeStatistics() {
    FeatureColumns columns = new FeatureColumns(features);
    double firing = 0;
    long neurons = 0;
    int dead = 0;
    for (int j = 0; j < rank(); j++) {
      FeatureStatistics feature = statistics(j);
      firing += feature.density();
      neurons += columns.size(j);
      dead += columns.size(j) == 0 || feature.maxCoefficient() == 0 ? 1 : 0;
    }
    return new ModelStatistics(
        firing, columns.meanLargestCorrelation(), dead, (double) neurons / rank());
  }

  private FeatureStatistics computeStatistics(int feature) {
    double[] stretch = new double[(int) Math.min(tokens(), 1 << 14)];
    double largest = 0;
    for (long from = 0; from < tokens(); from += stretch.length) {
      int length = (int) Math.min(stretch.length, tokens() - from);
      coefficients.readRow(feature, from, stretch, 0, length);
      for (int t = 0; t < length; t++) {
        largest = Math.max(largest, stretch[t]);
      }
    }
    long active = 0;
    for (long from = 0; from < tokens(); from += stretch.length) {
      int length = (int) Math.min(stretch.length, tokens() - from);
      coefficients.readRow(feature, from, stretch, 0, length);
      for (int t = 0; t < length; t++) {
        if (stretch[t] > 1e-6 * largest) {
          active++;
        }
      }
    }
    return new FeatureStatistics(
        explainedVariance[feature], (double) active / tokens(), largest, support(feature).length);
  }

  /**
   * Coefficients of new tokens, features fixed, on the best available backend; {@link Encoder} says
   * of what problem and how exactly.
   *
   * @param activations A {@code [d, m]}, a column per token; finite
   * @return Y {@code [k, m]}, which the caller closes
   * @throws InvalidArgumentException if A has another number of neurons
   */
  public Matrix encode(Matrix activations) {
    Encoder.requireNeurons(activations, neurons());
    try (Backend backend = Backends.open(Backends.AUTO, BackendConfig.defaults())) {
      return encode(activations, backend);
    }
  }

  /** As {@link #encode(Matrix)}, on an open backend, which stays open. */
  public Matrix encode(Matrix activations, Backend backend) {
    Encoder.requireNeurons(activations, neurons());
    try (Encoder encoder = encoder(backend)) {
      return encoder.encode(activations);
    }
  }

  /**
   * For tokens that come in many blocks: keeps the features and the memory for a block on the
   * backend.
   *
   * @param backend where to encode; stays open, and must while the encoder is used
   * @return the encoder, which the caller closes; the model may be closed before
   */
  public Encoder encoder(Backend backend) {
    double norm = Math.sqrt(report.squaredNorm() / tokens());
    return new Encoder(backend, features, report.coefficientPenalty() * norm);
  }

  /**
   * Writes the model as one safetensors file, atomically: tensors {@code features} {@code [d, k]}
   * and {@code coefficients} {@code [k, n]} as F32, the report and the attributes as metadata.
   */
  public void save(Path file) {
    ModelFile.write(this, file);
  }

  /**
   * Reads a model; its matrices are mapped from the file, which must not change while it is open.
   *
   * @throws org.snmf4j.error.FileFormatException if the file is not a model
   */
  public static SnmfModel load(Path file) {
    return ModelFile.read(file);
  }

  @Override
  public void close() {
    features.close();
    coefficients.close();
  }

  private void requireFeature(int feature) {
    if (feature < 0 || feature >= rank()) {
      throw new InvalidArgumentException("feature", feature, "between 0 and " + (rank() - 1));
    }
  }
}
