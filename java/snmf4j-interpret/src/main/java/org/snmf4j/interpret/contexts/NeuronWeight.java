package org.snmf4j.interpret.contexts;

/**
 * A neuron's part in a feature.
 *
 * @param neuron row of the activations
 * @param weight the feature's entry there; features have unit ℓ2 norm, so its square is the
 *     neuron's share of the feature
 */
public record NeuronWeight(int neuron, double weight) {}
