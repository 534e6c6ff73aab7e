package org.snmf4j.causal.generation;

import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;
import org.snmf4j.onnx.ModelRunException;

/**
 * The tokens that may come next, with their probabilities after penalty, temperature, top-k and
 * top-p.
 *
 * @param ids the tokens
 * @param weights what each one's probability is proportional to
 */
record Candidates(int[] ids, double[] weights) {

  /**
   * @param logits {@code [vocabulary]}
   * @param counts how often each token was generated
   */
  static Candidates of(float[] logits, Map<Integer, Integer> counts, GenerationOptions options) {
    double[] scores = scores(logits, counts, options.frequencyPenalty());
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= options.temperature();
    }
    int[] ids = top(scores, options.topK());
    double largest = scores[argmax(scores)];
    double[] weights = new double[ids.length];
    for (int i = 0; i < ids.length; i++) {
      weights[i] = Math.exp(scores[ids[i]] - largest);
    }
    Candidates all = new Candidates(ids, weights);
    return options.topP() < 1 ? all.nucleus(options.topP()) : all;
  }

  /** The most probable token, of equal ones that with the smallest id. */
  static int mostProbable(float[] logits, Map<Integer, Integer> counts, GenerationOptions options) {
    if (options.frequencyPenalty() != 0) {
      return argmax(scores(logits, counts, options.frequencyPenalty()));
    }
    int best = 0;
    for (int i = 0; i < logits.length; i++) {
      requireNumber(logits[i], i);
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  private static void requireNumber(float logit, int id) {
    if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
      throw new ModelRunException(
          "the model's logit of token " + id + " is " + logit + " but must be a number");
    }
  }

  private static double[] scores(float[] logits, Map<Integer, Integer> counts, double penalty) {
    double[] scores = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      requireNumber(logits[i], i);
      scores[i] = logits[i];
    }
    if (penalty != 0) {
      counts.forEach((id, count) -> scores[id] -= penalty * count);
    }
    return scores;
  }

  private static int argmax(double[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Ids of the {@code count} largest scores, or all, ascending. */
  private static int[] top(double[] scores, int count) {
    int[] ids = new int[Math.min(count, scores.length)];
    if (ids.length == scores.length) {
      Arrays.setAll(ids, i -> i);
      return ids;
    }
    // The worst of those kept is at the head; of equal scores the larger id is the worse.
    PriorityQueue<Integer> kept =
        new PriorityQueue<>(
            ids.length,
            (a, b) -> scores[a] == scores[b] ? b - a : Double.compare(scores[a], scores[b]));
    double worst = Double.NEGATIVE_INFINITY;
    for (int id = 0; id < scores.length; id++) {
      if (kept.size() < ids.length) {
        kept.add(id);
      } else if (scores[id] > worst) {
        kept.remove();
        kept.add(id);
      } else {
        continue;
      }
      worst = scores[kept.element()];
    }
    int[] found = kept.stream().mapToInt(Integer::intValue).sorted().toArray();
    System.arraycopy(found, 0, ids, 0, found.length);
    return ids;
  }

  private double total() {
    double sum = 0;
    for (double weight : weights) {
      sum += weight;
    }
    return sum;
  }

  /**
   * The most probable tokens whose probabilities first sum to {@code share}, most probable first.
   */
  private Candidates nucleus(double share) {
    double total = total();
    // All tokens below this together have less than 1 - share: none of them can be needed.
    double least = (1 - share) * total / weights.length;
    Integer[] order = new Integer[weights.length];
    int count = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] >= least) {
        order[count++] = i;
      }
    }
    // Stable: of equal tokens that with the smaller id comes first.
    Arrays.sort(order, 0, count, (a, b) -> Double.compare(weights[b], weights[a]));
    int kept = 0;
    double sum = 0;
    while (kept < count && sum < share * total) {
      sum += weights[order[kept++]];
    }
    int[] keptIds = new int[kept];
    double[] keptWeights = new double[kept];
    for (int i = 0; i < kept; i++) {
      keptIds[i] = ids[order[i]];
      keptWeights[i] = weights[order[i]];
    }
    return new Candidates(keptIds, keptWeights);
  }

  /**
   * The token at a place of the cumulative distribution.
   *
   * @param place from 0 up to 1, uniform if the token shall be drawn
   */
  int at(double place) {
    double left = place * total();
    int last = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        last = i;
        left -= weights[i];
        if (left < 0) {
          break;
        }
      }
    }
    return ids[last];
  }
}
