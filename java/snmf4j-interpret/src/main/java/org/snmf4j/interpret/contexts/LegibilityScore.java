package org.snmf4j.interpret.contexts;

import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.snmf4j.onnx.activations.TokenTable;

/** Computes {@link Legibility}, which states the formula. */
final class LegibilityScore {
  private final TokenTable tokens;
  private final Labels labels;
  private final int attainableSentences;

  LegibilityScore(TokenTable tokens, Labels labels, int contexts) {
    this.tokens = tokens;
    this.labels = labels;
    BitSet sentences = new BitSet();
    for (int token = 0; token < tokens.size(); token++) {
      sentences.set(tokens.sentence(token));
    }
    attainableSentences = Math.min(contexts, sentences.cardinality());
  }

  Legibility of(List<Context> contexts, int[] strongest, double selectivity) {
    if (contexts.isEmpty()) {
      return new Legibility(0, 0, null, 0, null, 0, 0);
    }
    Majority<String> token =
        Majority.of(
            contexts.stream()
                .map(context -> TokenText.compared(TokenText.of(tokens, context.token())))
                .toList());
    Set<Integer> sentences = new HashSet<>();
    contexts.forEach(context -> sentences.add(context.sentence()));
    double spread = (double) sentences.size() / attainableSentences;
    double tokenPurity = (double) token.count / contexts.size();
    if (labels.count() == 0) {
      return new Legibility(
          tokenPurity * selectivity * spread,
          tokenPurity,
          token.value,
          0,
          null,
          selectivity,
          spread);
    }
    Majority<String> label =
        Majority.of(contexts.stream().map(Context::label).filter(Objects::nonNull).toList());
    double labelPurity = (double) label.count / contexts.size();
    double agreement =
        Math.max(
            beyondChance(label, strongest, labelPurity) * (1 - tokenPurity / 2), tokenPurity / 4);
    return new Legibility(
        agreement * selectivity * spread,
        tokenPurity,
        token.value,
        labelPurity,
        label.value,
        selectivity,
        spread);
  }

  private double beyondChance(Majority<String> label, int[] strongest, double purity) {
    for (int token : strongest) {
      if (label.value != null && label.value.equals(tokens.label(token))) {
        double chance = labels.tokenShare(labels.of(token));
        return chance < 1 ? Math.max(0, (purity - chance) / (1 - chance)) : 0;
      }
    }
    return 0;
  }

  /** The most frequent of some values, of equally frequent ones the first. */
  private record Majority<T>(T value, int count) {
    static <T> Majority<T> of(List<T> values) {
      Map<T, Integer> counts = new LinkedHashMap<>();
      values.forEach(value -> counts.merge(value, 1, Integer::sum));
      Majority<T> best = new Majority<>(null, 0);
      for (Map.Entry<T, Integer> entry : counts.entrySet()) {
        if (entry.getValue() > best.count) {
          best = new Majority<>(entry.getKey(), entry.getValue());
        }
      }
      return best;
    }
  }
}
