package org.snmf4j.interpret.contexts;

/**
 * How easily a person will see what a feature stands for, as far as numbers tell.
 *
 * <pre>
 *   score       = agreement · selectivity · spread
 *   agreement   = max(λ · (1 − τ/2), τ/4)   with labels, τ without
 *   τ           = token purity
 *   λ           = max(0, (label purity − q) / (1 − q)), 0 where q = 1
 *   selectivity = 1 − (Σ y)² / (n · Σ y²)
 *   spread      = distinct sentences among the top contexts / min(contexts asked for, sentences)
 * </pre>
 *
 * <p>y are the feature's n coefficients and q is the share of all tokens that carry the purest
 * label, so λ is the purity beyond what chance gives. Agreement rewards a feature whose top
 * contexts are of one kind. Where labels tell concepts, a label that many words share counts most,
 * a label with a single word half, and a single word under many labels, which takes no
 * decomposition to find, a quarter. Selectivity is the sparseness of Treves and Rolls (Network 2,
 * 1991): near 1 for a feature that fires on few tokens, 0 for one that fires on all alike. Spread
 * tells a concept from the peculiarities of a single sentence. A feature that fires nowhere scores
 * 0.
 *
 * @param score between 0 and 1
 * @param tokenPurity share of the most frequent token among the top contexts; tokens are compared
 *     trimmed, case-folded and in Unicode form NFKC
 * @param token that token, as compared; null without contexts
 * @param labelPurity share of the most frequent label among the top contexts; 0 without labels
 * @param label that label; null without labels
 * @param selectivity between 0 and 1
 * @param spread between 0 and 1
 */
public record Legibility(
    double score,
    double tokenPurity,
    String token,
    double labelPurity,
    String label,
    double selectivity,
    double spread) {}
