package org.snmf4j;

/**
 * Facts about one feature.
 *
 * @param explainedVariance ⟨z y, ZY⟩ / ‖A‖²: its share of the variance, such that the shares of all
 *     features add up to what the model explains
 * @param density share of the tokens whose coefficient exceeds 1e-6 of the largest
 * @param maxCoefficient its largest coefficient
 * @param supportSize number of its neurons
 */
public record FeatureStatistics(
    double explainedVariance, double density, double maxCoefficient, int supportSize) {}
