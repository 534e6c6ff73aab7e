package org.snmf4j.interpret.contexts;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.snmf4j.SnmfModel;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/**
 * The top contexts of all features of a model.
 *
 * <p>Immutable, safe for use by several threads, and independent of the model and the activations
 * once made.
 */
public final class TopContexts {
  private final ContextOptions options;
  private final boolean labelled;
  private final List<FeatureContexts> features;

  private TopContexts(ContextOptions options, boolean labelled, List<FeatureContexts> features) {
    this.options = options;
    this.labelled = labelled;
    this.features = List.copyOf(features);
  }

  /**
   * Reads a model against the tokens it was fitted to: one pass over the coefficients, a block of a
   * row at a time.
   *
   * @param model the model; neither changed nor kept
   * @param activations what the model was fitted to; only its tokens are read, neither changed nor
   *     kept
   * @param options how much to tell
   * @throws ActivationMismatchException where model and activations differ in tokens or neurons
   */
  public static TopContexts of(SnmfModel model, ActivationSet activations, ContextOptions options) {
    TokenTable tokens = activations.tokens();
    if (model.tokens() != tokens.size()) {
      throw new ActivationMismatchException("tokens", model.tokens(), tokens.size());
    }
    if (model.neurons() != activations.matrix().rows()) {
      throw new ActivationMismatchException(
          "neurons", model.neurons(), activations.matrix().rows());
    }
    FeatureReader reader = new FeatureReader(model, tokens, options);
    List<FeatureContexts> features = new ArrayList<>(model.rank());
    for (int feature = 0; feature < model.rank(); feature++) {
      features.add(reader.read(feature));
    }
    return new TopContexts(options, tokens.isLabelled(), features);
  }

  /** The options these contexts were made with. */
  public ContextOptions options() {
    return options;
  }

  /** Whether at least one sentence has a label. */
  public boolean isLabelled() {
    return labelled;
  }

  /** All features, by index. */
  public List<FeatureContexts> features() {
    return features;
  }

  /** All features, the most legible first, of equally legible ones the lower index first. */
  public List<FeatureContexts> byLegibility() {
    List<FeatureContexts> sorted = new ArrayList<>(features);
    sorted.sort(
        Comparator.comparingDouble((FeatureContexts f) -> f.legibility().score()).reversed());
    return sorted;
  }
}
