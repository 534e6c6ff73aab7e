package org.snmf4j.onnx.graph;

/**
 * The matrix that leads from an MLP's neurons back to the residual stream, W {@code [neurons,
 * width]}.
 *
 * @param initializer the graph's initializer that holds it (quantized or packed in quantized
 *     models), or null if its values lie inside a node
 * @param neurons rows, d of the site {@code mlp}
 * @param width columns, the model's width, d of the sites {@code mlp_out} and {@code residual}
 * @param transposed whether the initializer is stored as {@code [width, neurons]}
 */
public record DownProjection(String initializer, long neurons, long width, boolean transposed) {}
