package org.snmf4j.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * A site's tensor as a session returns it. Once its layout was seen, later runs write into one
 * buffer that stays, which saves a copy and the garbage.
 */
final class SessionOutput {
  private final SiteLayer site;
  private final String name;
  private Layout layout;
  private int dimension;
  private ByteBuffer memory = ByteBuffer.allocateDirect(0);

  private enum Layout {
    /** {@code [rows * length, d]}. */
    FLAT,
    /** {@code [rows, length, d]}. */
    SENTENCE_FIRST,
    /** {@code [length, rows, d]}. */
    POSITION_FIRST
  }

  /**
   * @param site what it holds, for messages
   * @param name of the graph's output
   */
  SessionOutput(SiteLayer site, String name) {
    this.site = site;
    this.name = name;
  }

  String name() {
    return name;
  }

  /**
   * The tensor to write a batch to, which the caller closes; null if that is not known yet and ONNX
   * Runtime must make one.
   */
  OnnxTensor target(OrtEnvironment environment, TokenBatch batch) throws OrtException {
    long rows = batch.rows();
    long length = batch.length();
    long size = rows * length * dimension * Float.BYTES;
    if (layout == null || size > Integer.MAX_VALUE) {
      return null;
    }
    long[] shape =
        switch (layout) {
          case FLAT -> new long[] {rows * length, dimension};
          case SENTENCE_FIRST -> new long[] {rows, length, dimension};
          case POSITION_FIRST -> new long[] {length, rows, dimension};
        };
    int bytes = (int) size;
    if (memory.capacity() < bytes) {
      memory = ByteBuffer.allocateDirect(bytes);
    }
    ByteBuffer part = memory.slice(0, bytes).order(ByteOrder.nativeOrder());
    return OnnxTensor.createTensor(environment, part, shape, OnnxJavaType.FLOAT);
  }

  /**
   * Reads what a run wrote.
   *
   * @param target where it was to write, from {@link #target}
   * @param value the result of the run; ignored if there is a target
   */
  ModelSession.Activations read(OnnxTensor target, OnnxValue value, TokenBatch batch) {
    if (target != null) {
      FloatBuffer written =
          memory.duplicate().order(ByteOrder.nativeOrder()).clear().asFloatBuffer();
      return activations(written, batch, layout);
    }
    if (!(value instanceof OnnxTensor tensor)) {
      throw new ModelRunException("'" + name + "' is no tensor");
    }
    TensorInfo info = tensor.getInfo();
    Layout found = layout(info.getShape(), batch);
    FloatBuffer buffer = found == null ? null : tensor.getFloatBuffer();
    if (buffer == null) {
      throw unreadable(info, batch);
    }
    dimension = Math.toIntExact(info.getShape()[info.getShape().length - 1]);
    // A batch of as many rows as positions does not tell which axis is which.
    boolean clear = found == Layout.FLAT || batch.rows() != batch.length();
    if (clear && info.type == OnnxJavaType.FLOAT) {
      layout = found;
    }
    return activations(buffer, batch, found);
  }

  private static Layout layout(long[] shape, TokenBatch batch) {
    long rows = batch.rows();
    long length = batch.length();
    if (shape.length == 2) {
      return shape[0] == rows * length ? Layout.FLAT : null;
    }
    if (shape.length != 3) {
      return null;
    }
    if (shape[0] == rows && shape[1] == length) {
      return Layout.SENTENCE_FIRST;
    }
    return shape[0] == length && shape[1] == rows ? Layout.POSITION_FIRST : null;
  }

  private ModelSession.Activations activations(FloatBuffer values, TokenBatch batch, Layout from) {
    if (from != Layout.POSITION_FIRST) {
      return new ModelSession.Activations(values, dimension);
    }
    float[] turned = new float[batch.rows() * batch.length() * dimension];
    for (int position = 0; position < batch.length(); position++) {
      for (int row = 0; row < batch.rows(); row++) {
        int at = (row * batch.length() + position) * dimension;
        values.get((position * batch.rows() + row) * dimension, turned, at, dimension);
      }
    }
    return new ModelSession.Activations(FloatBuffer.wrap(turned), dimension);
  }

  private ModelRunException unreadable(TensorInfo info, TokenBatch batch) {
    return new ModelRunException(
        "tensor '"
            + name
            + "' of site "
            + site.site().id()
            + ", layer "
            + site.layer()
            + " is "
            + info.type
            + Arrays.toString(info.getShape())
            + " but must be floats ["
            + batch.rows()
            + ", "
            + batch.length()
            + ", d] or ["
            + batch.rows() * batch.length()
            + ", d]");
  }
}
