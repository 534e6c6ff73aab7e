/**
 * Semi-nonnegative matrix factorization of neural-network activations: A {@code [d, n]} ≈ Z {@code
 * [d, k]} · Y {@code [k, n]} with sparse, signed features Z and non-negative coefficients Y.
 *
 * <p>{@link org.snmf4j.Snmf#fit} is the entry point. The method is that of "Decomposing MLP
 * Activations into Interpretable Features via Semi-Nonnegative Matrix Factorization" (arXiv
 * 2506.10920).
 */
package org.snmf4j;
