package org.snmf4j;

/**
 * Facts about one feature.
 *
 * @param explainedVariance its share of ‖A‖², such that the shares of all features add up to 1 −
 *     relative loss
 * @param density share of the tokens whose coefficient exceeds 1e-6 of the largest
 * @param maxCoefficient its largest coefficient
 * @param supportSize number of its neurons
 */
public record FeatureStatistics(
    double explainedVariance, double density, double maxCoefficient, int supportSize) {}
