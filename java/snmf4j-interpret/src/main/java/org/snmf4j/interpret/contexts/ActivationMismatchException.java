package org.snmf4j.interpret.contexts;

import org.snmf4j.error.SnmfException;

/** A model was not fitted to the activations it is to be read against. */
public class ActivationMismatchException extends SnmfException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what what differs in number, {@code "tokens"} or {@code "neurons"}
   * @param model how many the model has
   * @param activations how many the activations have
   */
  public ActivationMismatchException(String what, long model, long activations) {
    super(
        "the model has "
            + model
            + " "
            + what
            + " but the activations have "
            + activations
            + "; they must come from the same extraction, site and layer");
  }
}
