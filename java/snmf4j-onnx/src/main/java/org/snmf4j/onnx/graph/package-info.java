/**
 * ONNX graphs: read, searched and edited without running them.
 *
 * <p>{@link org.snmf4j.onnx.graph.ModelGraph} reads a model and knows its transformer blocks;
 * {@link org.snmf4j.onnx.graph.GraphEditor} turns tensors inside the graph into outputs and cuts
 * away what comes after them. Blocks are found by the shape of the computation around their MLP's
 * down-projection; names of nodes and tensors mean nothing here.
 */
package org.snmf4j.onnx.graph;
