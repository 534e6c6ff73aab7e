package org.snmf4j.onnx.graph;

import java.util.List;
import org.snmf4j.error.SnmfException;

/**
 * A model's MLPs, or one site of one layer, cannot be told from the graph. The message lists
 * tensors that may be meant and says how to name one by hand.
 */
public class SiteNotFoundException extends SnmfException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> candidates;

  /**
   * @param message what was looked for and why it was not found
   * @param candidates names of tensors that may be meant
   */
  public SiteNotFoundException(String message, List<String> candidates) {
    super(message);
    this.candidates = List.copyOf(candidates);
  }

  /** Names of tensors that may be meant; can be empty. */
  public List<String> candidates() {
    return candidates == null ? List.of() : candidates;
  }
}
