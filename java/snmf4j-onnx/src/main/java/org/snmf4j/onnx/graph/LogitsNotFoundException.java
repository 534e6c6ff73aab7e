package org.snmf4j.onnx.graph;

import org.snmf4j.error.SnmfException;

/** A model returns no logits over its vocabulary: it is no causal language model. */
public class LogitsNotFoundException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message which outputs the model has, and what to do
   */
  public LogitsNotFoundException(String message) {
    super(message);
  }
}
