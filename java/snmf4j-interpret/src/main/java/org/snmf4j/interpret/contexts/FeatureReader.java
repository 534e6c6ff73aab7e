package org.snmf4j.interpret.contexts;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.snmf4j.SnmfModel;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.TokenTable;

/** Reads one feature after another. Not safe for use by several threads. */
final class FeatureReader {
  private final SnmfModel model;
  private final ContextOptions options;
  private final Labels labels;
  private final CoefficientPass pass;
  private final ContextWindow window;
  private final LegibilityScore score;

  FeatureReader(SnmfModel model, TokenTable tokens, ContextOptions options) {
    this.model = model;
    this.options = options;
    labels = new Labels(tokens);
    pass = new CoefficientPass(model.coefficients(), labels, options.contexts());
    window = new ContextWindow(tokens, model.coefficients(), options.window());
    score = new LegibilityScore(tokens, labels, options.contexts());
  }

  FeatureContexts read(int feature) {
    List<Context> contexts = new ArrayList<>();
    int[] strongest = pass.run(feature);
    for (int token : strongest) {
      contexts.add(window.around(feature, token));
    }
    return new FeatureContexts(
        feature,
        model.statistics(feature),
        score.of(contexts, strongest, pass.selectivity()),
        contexts,
        neurons(feature),
        labels(strongest));
  }

  private List<NeuronWeight> neurons(int feature) {
    Matrix features = model.features();
    List<NeuronWeight> neurons = new ArrayList<>();
    for (int neuron : model.support(feature)) {
      neurons.add(new NeuronWeight(neuron, features.get(neuron, feature)));
    }
    // The support ascends and the sort is stable: of equal weights the lower neuron comes first.
    neurons.sort(Comparator.comparingDouble(neuron -> -Math.abs(neuron.weight())));
    return neurons.subList(0, Math.min(options.neurons(), neurons.size()));
  }

  private List<LabelPreference> labels(int[] strongest) {
    int[] contexts = new int[labels.count()];
    for (int token : strongest) {
      if (labels.of(token) >= 0) {
        contexts[labels.of(token)]++;
      }
    }
    List<LabelPreference> preferences = new ArrayList<>();
    for (int label = 0; label < contexts.length; label++) {
      double mass = pass.massShare(label);
      double tokens = labels.tokenShare(label);
      if (contexts[label] > 0 || mass > tokens) {
        preferences.add(
            new LabelPreference(
                labels.name(label),
                contexts[label],
                (double) contexts[label] / strongest.length,
                mass,
                tokens,
                mass / tokens));
      }
    }
    preferences.sort(
        Comparator.comparingInt(LabelPreference::contexts)
            .thenComparingDouble(LabelPreference::massShare)
            .reversed()
            .thenComparing(LabelPreference::label));
    return preferences.subList(0, Math.min(options.labels(), preferences.size()));
  }
}
