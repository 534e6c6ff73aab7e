package org.snmf4j.solver;

/** What measurements must know of alternating least squares. */
public final class FirstPhase {
  /**
   * Most iterations that may see only a sample of the tokens, so that their losses are no fit's.
   */
  public static final int ITERATIONS = AlsSolver.EXPLORE;

  private FirstPhase() {}
}
