package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.NodeProto;
import java.util.List;

/**
 * Where a site's activations can be read.
 *
 * @param name the tensor
 * @param added nodes to add to the graph so that the tensor exists; empty if it does already. Fused
 *     operators swallow some sums, which are then computed once more beside them.
 */
public record SiteTensor(String name, List<NodeProto> added) {

  /** A tensor that the graph has. */
  public static SiteTensor existing(String name) {
    return new SiteTensor(name, List.of());
  }
}
