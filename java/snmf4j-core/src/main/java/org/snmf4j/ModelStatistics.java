package org.snmf4j;

/**
 * Facts about a model as a whole: how sparse and how distinct what it found is.
 *
 * @param coefficientsPerToken mean number of features that fire on a token: of coefficients above
 *     1e-6 of the largest of their feature
 * @param meanLargestCorrelation how much features overlap: the mean over the features of the
 *     largest |cosine| with another feature, in [0, 1]. Zero features have none and are left out; 0
 *     where fewer than two are left
 * @param deadFeatures number of features that are zero or whose coefficients are
 * @param meanSupportSize mean number of a feature's neurons, zero features included
 */
public record ModelStatistics(
    double coefficientsPerToken,
    double meanLargestCorrelation,
    int deadFeatures,
    double meanSupportSize) {}
