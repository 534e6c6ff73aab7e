package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.util.Arrays;
import java.util.List;
import org.snmf4j.error.InvalidArgumentException;

/**
 * One tensor of a key/value cache, which a run reads as an input and writes, longer by its tokens,
 * as an output.
 *
 * @param past name of the input
 * @param present name of the output that is fed to {@code past} in the next run
 * @param type element type of both
 * @param shape lengths of the input's axes; -1 where the model leaves them open
 * @param batchAxis axis of the batch's sequences
 * @param headsAxis axis of the key/value heads, or -1 if there is none (multi-query models that
 *     keep one)
 * @param sequenceAxis axis of the cached tokens: 0 long in a first run
 * @param widthAxis axis of a head's values
 */
public record CacheEntry(
    String past,
    String present,
    DataType type,
    List<Long> shape,
    int batchAxis,
    int headsAxis,
    int sequenceAxis,
    int widthAxis) {

  /** Copies the shape. */
  public CacheEntry {
    shape = List.copyOf(shape);
  }

  /**
   * The input's shape.
   *
   * @param rows sequences in the batch
   * @param length cached tokens; 0 for an empty cache
   * @throws InvalidArgumentException if the model was exported for another number of sequences
   */
  public long[] shape(int rows, int length) {
    long[] result = shape.stream().mapToLong(Long::longValue).toArray();
    if (result[batchAxis] > 0 && result[batchAxis] != rows) {
      throw new InvalidArgumentException(
          "rows", rows, "what the model takes: " + result[batchAxis]);
    }
    result[batchAxis] = rows;
    result[sequenceAxis] = length;
    if (Arrays.stream(result).anyMatch(axis -> axis < 0)) {
      throw new InvalidArgumentException(
          "cache input " + past, shape, "of known lengths besides batch and sequence");
    }
    return result;
  }
}
