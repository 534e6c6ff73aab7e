package org.snmf4j.onnx.graph;

import org.snmf4j.error.SnmfException;

/** A site was found, but the graph cannot be edited to change its activations. */
public class SiteNotSteerableException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message which site of which layer, and what stands in the way
   */
  public SiteNotSteerableException(String message) {
    super(message);
  }
}
