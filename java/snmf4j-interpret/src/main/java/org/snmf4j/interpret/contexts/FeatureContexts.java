package org.snmf4j.interpret.contexts;

import java.util.List;
import org.snmf4j.FeatureStatistics;

/**
 * What a feature fires on.
 *
 * @param feature index of the feature: column of the features, row of the coefficients
 * @param statistics the model's own figures: share of variance explained, density, and so on
 * @param legibility how easily a person will read the feature
 * @param contexts its strongest tokens, strongest first, of equal ones the earlier token first;
 *     empty for a feature that fires nowhere
 * @param neurons its strongest neurons by magnitude, of equal ones the lower index first
 * @param labels the labels it prefers, which are those of its top contexts and those with more than
 *     their share of its coefficients: by share of the top contexts, then by share of the
 *     coefficient mass, then by name; empty without labels
 */
public record FeatureContexts(
    int feature,
    FeatureStatistics statistics,
    Legibility legibility,
    List<Context> contexts,
    List<NeuronWeight> neurons,
    List<LabelPreference> labels) {
  public FeatureContexts {
    contexts = List.copyOf(contexts);
    neurons = List.copyOf(neurons);
    labels = List.copyOf(labels);
  }
}
