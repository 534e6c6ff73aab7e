/**
 * From sentences to activations: {@link org.snmf4j.onnx.OnnxModel} opens a model, {@link
 * org.snmf4j.onnx.Extractor} runs a data set through it and collects what its neurons did.
 */
package org.snmf4j.onnx;
