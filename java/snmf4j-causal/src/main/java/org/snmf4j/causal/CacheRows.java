package org.snmf4j.causal;

import ai.onnxruntime.OnnxTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Rows of a cache tensor. */
final class CacheRows {
  private CacheRows() {}

  /** Whether a tensor fits into a buffer of Java, 2 GiB. */
  static boolean canSelect(OnnxTensor tensor) {
    long elements = Arrays.stream(tensor.getInfo().getShape()).reduce(1, (a, b) -> a * b);
    return elements * tensor.getInfo().type.size <= Integer.MAX_VALUE;
  }

  /** A copy with the given indices of the batch axis; the caller closes and counts it. */
  static OnnxTensor select(Runner runner, OnnxTensor tensor, int batchAxis, int[] rows) {
    long[] shape = tensor.getInfo().getShape();
    ByteBuffer values = tensor.getByteBuffer();
    long outer = Arrays.stream(shape, 0, batchAxis).reduce(1, (a, b) -> a * b);
    int block = Math.toIntExact(values.remaining() / (outer * shape[batchAxis]));
    ByteBuffer selected =
        ByteBuffer.allocateDirect(Math.toIntExact(outer * rows.length * block))
            .order(ByteOrder.nativeOrder());
    for (int i = 0; i < outer; i++) {
      for (int row : rows) {
        int at = Math.toIntExact((i * shape[batchAxis] + row) * block);
        selected.put(values.slice(at, block));
      }
    }
    shape = shape.clone();
    shape[batchAxis] = rows.length;
    return runner.tensor(selected.flip(), shape, tensor.getInfo().type);
  }
}
