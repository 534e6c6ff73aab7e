package org.snmf4j.interpret.contexts;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.onnx.activations.TokenTable;

/** The data set's labels, numbered in order of appearance, with the number of tokens of each. */
final class Labels {
  private static final int NONE = -1;

  private final TokenTable tokens;
  private final List<String> names = new ArrayList<>();
  private final int[] bySentence;
  private final int[] tokenCounts;

  Labels(TokenTable tokens) {
    this.tokens = tokens;
    Map<String, Integer> numbers = new HashMap<>();
    List<TokenTable.Sentence> sentences = tokens.sentences();
    bySentence = new int[sentences.size()];
    for (int i = 0; i < bySentence.length; i++) {
      String label = sentences.get(i).label();
      if (label == null) {
        bySentence[i] = NONE;
      } else {
        bySentence[i] =
            numbers.computeIfAbsent(
                label,
                name -> {
                  names.add(name);
                  return names.size() - 1;
                });
      }
    }
    tokenCounts = new int[names.size()];
    for (int token = 0; token < tokens.size(); token++) {
      if (of(token) != NONE) {
        tokenCounts[of(token)]++;
      }
    }
  }

  int count() {
    return names.size();
  }

  String name(int label) {
    return names.get(label);
  }

  /** Number of the token's label, or -1. */
  int of(int token) {
    return bySentence[tokens.sentence(token)];
  }

  /** Share of all tokens that carry the label. */
  double tokenShare(int label) {
    return (double) tokenCounts[label] / tokens.size();
  }
}
