package org.snmf4j.backend;

/** Which statistics of the updated coefficients a pass computes on its way. */
public enum Refresh {
  /** None; the pass returns only sums. */
  NONE,
  /** G = YYᵀ, and with it the row sums of Y. */
  GRAM,
  /** G, and C = AYᵀ where Z is not zero; C's other entries are unspecified. */
  SUPPORT,
  /** G and the dense C = AYᵀ. */
  DENSE
}
