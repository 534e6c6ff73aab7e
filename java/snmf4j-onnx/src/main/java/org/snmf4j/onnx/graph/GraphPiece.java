package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.ModelProto;

/**
 * The part of a model between two tensors, as a model of its own.
 *
 * <p>Besides {@code input} it may still have inputs of the whole model, where lengths are computed
 * from them; they must agree in rows and length with what is fed to {@code input}.
 *
 * @param model what to run
 * @param input name of the float32 input {@code [rows, length, width]}
 * @param width d of the tensor at the beginning
 * @param output name of the float32 output, {@code [rows, length, columns]} or {@code [rows *
 *     length, columns]}
 * @param rows sequences that the model was exported for, or 1
 * @param length tokens that the model was exported for, or 1
 */
public record GraphPiece(
    ModelProto model, String input, int width, String output, int rows, int length) {}
