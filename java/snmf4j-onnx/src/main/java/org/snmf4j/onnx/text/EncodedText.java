package org.snmf4j.onnx.text;

/**
 * A text as tokens; arrays have an element per token and must not be changed.
 *
 * @param ids ids in the vocabulary
 * @param pieces the tokens as the tokenizer writes them
 * @param starts first character of each token in the text, in Java chars; -1 if it has none there
 * @param ends one past the last character of each token in the text; -1 if it has none there
 * @param special whether the tokenizer added the token (CLS, BOS, …)
 */
public record EncodedText(int[] ids, String[] pieces, int[] starts, int[] ends, boolean[] special) {

  /** Number of tokens. */
  public int size() {
    return ids.length;
  }
}
