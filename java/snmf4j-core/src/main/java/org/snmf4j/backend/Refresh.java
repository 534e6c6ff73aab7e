package org.snmf4j.backend;

/** Which statistics of the updated coefficients a pass computes on its way. */
public enum Refresh {
  /** None; the pass returns only sums. */
  NONE,
  /** G = YYᵀ. */
  GRAM,
  /** G and the dense C = AYᵀ. */
  DENSE
}
