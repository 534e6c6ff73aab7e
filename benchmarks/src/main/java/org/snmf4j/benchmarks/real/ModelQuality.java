package org.snmf4j.benchmarks.real;

import java.util.List;
import java.util.function.ToDoubleFunction;
import org.snmf4j.SnmfModel;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;

/**
 * What tells a good decomposition. Purities are those of {@link
 * org.snmf4j.interpret.contexts.Legibility}, which a report shows.
 *
 * @param relativeLoss ‖A − ZY‖² / ‖A‖²
 * @param coefficientsPerToken mean number of features that fire on a token, with a coefficient
 *     above 1e-6 of the feature's largest
 * @param correlation mean over the features that are not zero of the largest |cosine| with another
 * @param tokenPurity mean over all features, 0 for one that fires nowhere
 * @param labelPurity the same for labels
 * @param deadFeatures features that fire nowhere
 * @param iterations iterations of the fit
 * @param seconds wall time of the fit, packing and initialization included
 */
record ModelQuality(
    double relativeLoss,
    double coefficientsPerToken,
    double correlation,
    double tokenPurity,
    double labelPurity,
    double deadFeatures,
    double iterations,
    double seconds) {
  private static final int CONTEXTS = 10;

  static ModelQuality of(SnmfModel model, ActivationSet activations) {
    List<FeatureContexts> features =
        TopContexts.of(model, activations, new ContextOptions(CONTEXTS, 0, 0, 0)).features();
    return new ModelQuality(
        model.report().relativeLoss(),
        features.stream().mapToDouble(feature -> feature.statistics().density()).sum(),
        correlation(model.features()),
        mean(features, feature -> feature.legibility().tokenPurity()),
        mean(features, feature -> feature.legibility().labelPurity()),
        features.stream().filter(feature -> feature.contexts().isEmpty()).count(),
        model.report().iterations(),
        model.report().seconds());
  }

  static ModelQuality mean(List<ModelQuality> fits) {
    return new ModelQuality(
        mean(fits, ModelQuality::relativeLoss),
        mean(fits, ModelQuality::coefficientsPerToken),
        mean(fits, ModelQuality::correlation),
        mean(fits, ModelQuality::tokenPurity),
        mean(fits, ModelQuality::labelPurity),
        mean(fits, ModelQuality::deadFeatures),
        mean(fits, ModelQuality::iterations),
        mean(fits, ModelQuality::seconds));
  }

  private static <T> double mean(List<T> items, ToDoubleFunction<T> value) {
    return items.stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  /**
   * Mean largest |cosine|.
   *
   * @param features Z {@code [d, k]}, columns of unit norm or zero
   */
  private static double correlation(Matrix features) {
    double[][] z = features.toArray();
    int k = (int) features.columns();
    double[][] cosines = new double[k][k];
    for (double[] row : z) {
      for (int j = 0; j < k; j++) {
        if (row[j] != 0) {
          for (int l = 0; l < k; l++) {
            cosines[j][l] += row[j] * row[l];
          }
        }
      }
    }
    double sum = 0;
    int counted = 0;
    for (int j = 0; j < k; j++) {
      if (cosines[j][j] > 0) {
        double largest = 0;
        for (int l = 0; l < k; l++) {
          largest = l == j ? largest : Math.max(largest, Math.abs(cosines[j][l]));
        }
        sum += largest;
        counted++;
      }
    }
    return counted == 0 ? Double.NaN : sum / counted;
  }
}
