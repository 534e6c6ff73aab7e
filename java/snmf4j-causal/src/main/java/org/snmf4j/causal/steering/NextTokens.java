package org.snmf4j.causal.steering;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.InvalidArgumentException;

/** Distributions of the token after each of some prompts, with and without steering. */
final class NextTokens {
  /** Sequences per run: enough to share a model's weights, few enough for their activations. */
  private static final int MAX_ROWS = 32;

  private final CausalModel model;
  private final int[][] prompts;
  private final double[][] base;

  NextTokens(CausalModel model, int[][] prompts) {
    if (prompts.length == 0) {
      throw new InvalidArgumentException("prompts", "empty", "at least one prompt");
    }
    this.model = model;
    this.prompts = prompts;
    this.base = steered(List.of(Steering.NONE)).get(0);
  }

  /** Log-probabilities without steering, {@code [prompts][vocabulary]}. */
  double[][] base() {
    return base;
  }

  /** Log-probabilities per steering, {@code [prompts][vocabulary]} each. */
  List<double[][]> steered(List<Steering> steerings) {
    List<double[][]> results = new ArrayList<>();
    List<int[]> sequences = new ArrayList<>();
    List<Steering> changes = new ArrayList<>();
    List<double[]> flat = new ArrayList<>();
    for (Steering steering : steerings) {
      for (int[] prompt : prompts) {
        sequences.add(prompt);
        changes.add(steering);
      }
    }
    for (int from = 0; from < sequences.size(); from += MAX_ROWS) {
      int to = Math.min(sequences.size(), from + MAX_ROWS);
      float[][] logits =
          model.nextLogits(
              sequences.subList(from, to).toArray(int[][]::new), changes.subList(from, to));
      for (float[] row : logits) {
        flat.add(LogProbabilities.of(row));
      }
    }
    for (int i = 0; i < steerings.size(); i++) {
      results.add(
          flat.subList(i * prompts.length, (i + 1) * prompts.length).toArray(double[][]::new));
    }
    return Collections.unmodifiableList(results);
  }

  /** KL(base‖steered), the mean over the prompts; NaN if logits were no finite numbers. */
  double divergence(double[][] steered) {
    double sum = 0;
    for (int i = 0; i < base.length; i++) {
      sum += LogProbabilities.divergence(base[i], steered[i]);
    }
    return sum / base.length;
  }
}
