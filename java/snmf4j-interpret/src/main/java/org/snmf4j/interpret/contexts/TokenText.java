package org.snmf4j.interpret.contexts;

import java.text.Normalizer;
import java.util.Locale;
import org.snmf4j.onnx.activations.TokenTable;

/** Tokens as a person reads them. */
final class TokenText {
  private TokenText() {}

  /** Whether the token is a stretch of its sentence's text. */
  static boolean isInSentence(TokenTable tokens, int token) {
    String text = sentence(tokens, token);
    return text != null
        && tokens.start(token) >= 0
        && tokens.start(token) < tokens.end(token)
        && tokens.end(token) <= text.length();
  }

  /** The token as it stands in its sentence, or its piece, or {@code ‹id›}. */
  static String of(TokenTable tokens, int token) {
    if (isInSentence(tokens, token)) {
      return sentence(tokens, token).substring(tokens.start(token), tokens.end(token));
    }
    String piece = tokens.piece(token);
    return piece != null ? piece : "‹" + tokens.id(token) + "›";
  }

  /** The form in which tokens are compared: trimmed, without a tokenizer's marks, case-folded. */
  static String compared(String text) {
    String bare = text;
    if (bare.startsWith("##") && bare.length() > 2) {
      bare = bare.substring(2);
    }
    bare = bare.replace('▁', ' ').replace('Ġ', ' ').strip();
    if (bare.isEmpty()) {
      return text;
    }
    // Upper case first: Unicode's folding maps some letters only on the way there.
    return Normalizer.normalize(bare, Normalizer.Form.NFKC)
        .toUpperCase(Locale.ROOT)
        .toLowerCase(Locale.ROOT);
  }

  private static String sentence(TokenTable tokens, int token) {
    return tokens.sentences().get(tokens.sentence(token)).text();
  }
}
