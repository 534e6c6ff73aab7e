package org.snmf4j.onnx;

import org.snmf4j.error.SnmfException;

/** Token ids lie outside the model's vocabulary: the tokenizer is another model's. */
public class TokenizerMismatchException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param sentence 0-based index of the first sentence with such an id
   * @param id the id
   * @param vocabulary rows of the model's embedding table
   */
  public TokenizerMismatchException(int sentence, long id, long vocabulary) {
    super(
        "sentence "
            + sentence
            + " has token id "
            + id
            + " but the model's vocabulary ends at "
            + (vocabulary - 1)
            + "; the tokenizer does not fit the model");
  }
}
