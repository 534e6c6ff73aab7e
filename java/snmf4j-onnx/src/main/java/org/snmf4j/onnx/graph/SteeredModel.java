package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.util.List;

/**
 * A model whose activations can be changed through inputs.
 *
 * @param model the whole model with its own outputs, a cache's included
 * @param points the places, in the order in which they were asked for
 */
public record SteeredModel(ModelProto model, List<SteeringPoint> points) {
  /** Copies the list. */
  public SteeredModel {
    points = List.copyOf(points);
  }
}
