package org.snmf4j.causal.projection;

import java.util.Optional;
import org.snmf4j.onnx.graph.GraphPiece;
import org.snmf4j.onnx.graph.GraphPieces;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;
import org.snmf4j.onnx.runtime.SessionSettings;

/** Runs what one block does to its MLP's activations on their way to the residual stream. */
final class LayerPieces implements AutoCloseable {
  private final ModelGraph graph;
  private final int layer;
  private final SessionSettings settings;
  private PieceRunner down;
  private float[] bias;
  private PieceRunner after;
  private boolean afterKnown;

  LayerPieces(ModelGraph graph, int layer, SessionSettings settings) {
    this.graph = graph;
    this.layer = layer;
    this.settings = settings;
  }

  int layer() {
    return layer;
  }

  /** W_down·z. */
  float[] down(SiteTensor mlp, SiteTensor mlpOut, float[] z) {
    if (down == null) {
      down = new PieceRunner(graph, GraphPieces.between(graph, mlp, mlpOut, z.length), settings);
    }
    if (bias == null) {
      bias = down.run(new float[z.length]);
    }
    float[] result = down.run(z);
    for (int i = 0; i < result.length; i++) {
      result[i] -= bias[i];
    }
    return result;
  }

  /** What of the MLP's result reaches the residual stream. */
  float[] after(float[] result) {
    if (!afterKnown) {
      Optional<GraphPiece> piece = GraphPieces.afterMlp(graph, layer);
      after = piece.map(found -> new PieceRunner(graph, found, settings)).orElse(null);
      afterKnown = true;
    }
    return after == null ? result : after.run(result);
  }

  @Override
  public void close() {
    if (down != null) {
      down.close();
    }
    if (after != null) {
      after.close();
    }
  }
}
