/**
 * What a model's neurons did on which token: activations with the table of their tokens, in memory
 * ({@link org.snmf4j.onnx.activations.ActivationSet}) and on disk ({@link
 * org.snmf4j.onnx.activations.ActivationStore}).
 */
package org.snmf4j.onnx.activations;
