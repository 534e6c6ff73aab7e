package org.snmf4j.causal;

import ai.onnxruntime.OnnxTensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.snmf4j.onnx.runtime.NativeCounts;

/** Tensors that are counted as open, and closed together. For use by one thread. */
final class Tensors implements AutoCloseable {
  private final Set<OnnxTensor> open = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Takes a tensor over. */
  OnnxTensor add(OnnxTensor tensor) {
    if (open.add(tensor)) {
      NativeCounts.tensorsOpened(1);
    }
    return tensor;
  }

  /** Gives a tensor away to a new owner, who counts it. */
  void release(OnnxTensor tensor) {
    if (open.remove(tensor)) {
      NativeCounts.tensorsClosed(1);
    }
  }

  @Override
  public void close() {
    open.forEach(OnnxTensor::close);
    NativeCounts.tensorsClosed(open.size());
    open.clear();
  }
}
