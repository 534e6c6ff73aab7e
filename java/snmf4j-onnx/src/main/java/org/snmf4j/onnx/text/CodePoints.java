package org.snmf4j.onnx.text;

/**
 * Turns offsets in code points, which the tokenizer library counts in, into offsets in Java chars.
 */
final class CodePoints {
  private final int[] charIndices;

  CodePoints(String text) {
    int count = text.codePointCount(0, text.length());
    if (count == text.length()) {
      charIndices = null;
      return;
    }
    charIndices = new int[count + 1];
    int at = 0;
    for (int i = 0; i < count; i++) {
      charIndices[i] = at;
      at += Character.charCount(text.codePointAt(at));
    }
    charIndices[count] = at;
  }

  int charIndex(int codePoint) {
    return charIndices == null ? codePoint : charIndices[codePoint];
  }
}
