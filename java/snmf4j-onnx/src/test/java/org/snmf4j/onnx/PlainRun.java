package org.snmf4j.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Runs a model through ONNX Runtime without this library's code. */
final class PlainRun {
  private PlainRun() {}

  /** A float tensor. */
  record Floats(float[] values, long... shape) {}

  /** Ids {@code [rows, length]} without padding, empty caches, and further float inputs. */
  static Floats run(ModelProto model, long[][] ids, Map<String, Floats> more, String output) {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> feeds = new HashMap<>();
    try (OrtSession session = environment.createSession(model.toByteArray())) {
      try {
        for (var info : session.getInputInfo().values()) {
          TensorInfo type = (TensorInfo) info.getInfo();
          String name = info.getName();
          feeds.put(
              name,
              more.containsKey(name)
                  ? floats(environment, type.type, more.get(name))
                  : feed(environment, name, type, ids));
        }
        try (OrtSession.Result result = session.run(feeds, java.util.Set.of(output))) {
          OnnxTensor tensor = (OnnxTensor) result.get(output).orElseThrow();
          FloatBuffer buffer = tensor.getFloatBuffer();
          float[] values = new float[buffer.remaining()];
          buffer.get(values);
          return new Floats(values, tensor.getInfo().getShape());
        }
      } finally {
        feeds.values().forEach(OnnxTensor::close);
      }
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  private static OnnxTensor floats(OrtEnvironment environment, OnnxJavaType type, Floats floats)
      throws OrtException {
    if (type == OnnxJavaType.FLOAT) {
      return OnnxTensor.createTensor(
          environment, FloatBuffer.wrap(floats.values()), floats.shape());
    }
    ByteBuffer halves =
        ByteBuffer.allocateDirect(2 * floats.values().length).order(ByteOrder.nativeOrder());
    for (float value : floats.values()) {
      halves.putShort(ai.onnxruntime.platform.Fp16Conversions.floatToFp16(value));
    }
    return OnnxTensor.createTensor(environment, halves.flip(), floats.shape(), type);
  }

  private static OnnxTensor feed(
      OrtEnvironment environment, String name, TensorInfo info, long[][] ids) throws OrtException {
    int length = ids[0].length;
    long[] values = new long[ids.length * length];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (name) {
            case "input_ids" -> ids[i / length][i % length];
            case "attention_mask" -> 1;
            case "position_ids" -> i % length;
            default -> 0;
          };
    }
    if (name.startsWith("past")) {
      long[] shape = info.getShape();
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = shape[axis] >= 0 ? shape[axis] : axis == 0 ? ids.length : 0;
      }
      ByteBuffer none = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
      return OnnxTensor.createTensor(environment, none, shape, info.type);
    }
    return OnnxTensor.createTensor(
        environment, LongBuffer.wrap(values), new long[] {ids.length, length});
  }

  /** The largest absolute difference. */
  static double distance(float[] expected, float[] found) {
    if (expected.length != found.length) {
      throw new AssertionError("lengths differ: " + Arrays.asList(expected.length, found.length));
    }
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs((double) expected[i] - found[i]);
      worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    return worst;
  }
}
