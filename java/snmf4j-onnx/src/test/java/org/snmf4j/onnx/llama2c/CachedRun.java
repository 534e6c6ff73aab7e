package org.snmf4j.onnx.llama2c;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs an imported model as it is, carrying the cache from call to call. */
final class CachedRun implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final Map<String, FloatBuffer> cache = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  CachedRun(Path model) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      session = environment.createSession(model.toString(), options);
    }
  }

  /** Forgets the cache. */
  void reset() {
    cache.clear();
    shapes.clear();
  }

  /**
   * Logits {@code [rows][length][vocabulary]} of tokens that follow what the cache holds.
   *
   * @param mask {@code [rows][past + length]}, 0 for padding
   */
  float[][][] next(long[][] ids, long[][] mask) throws OrtException {
    int length = ids[0].length;
    long[][] positions = new long[ids.length][length];
    for (int row = 0; row < ids.length; row++) {
      long seen = 0;
      for (int i = 0; i < mask[row].length; i++) {
        int at = i - (mask[row].length - length);
        if (at >= 0) {
          positions[row][at] = mask[row][i] == 0 ? 0 : seen;
        }
        seen += mask[row][i];
      }
    }
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      feeds.put("input_ids", OnnxTensor.createTensor(environment, ids));
      feeds.put("attention_mask", OnnxTensor.createTensor(environment, mask));
      feeds.put("position_ids", OnnxTensor.createTensor(environment, positions));
      for (String name : session.getInputNames()) {
        if (name.startsWith("past")) {
          long[] shape =
              ((TensorInfo) session.getInputInfo().get(name).getInfo()).getShape().clone();
          shape[0] = ids.length;
          shape[2] = 0;
          feeds.put(
              name,
              OnnxTensor.createTensor(
                  environment,
                  cache.getOrDefault(name, FloatBuffer.allocate(0)),
                  shapes.getOrDefault(name, shape)));
        }
      }
      try (OrtSession.Result result = session.run(feeds)) {
        for (String name : session.getOutputNames()) {
          if (name.startsWith("present")) {
            OnnxTensor tensor = (OnnxTensor) result.get(name).orElseThrow();
            String past = name.replace("present", "past_key_values");
            cache.put(past, tensor.getFloatBuffer());
            shapes.put(past, tensor.getInfo().getShape());
          }
        }
        return (float[][][]) result.get("logits").orElseThrow().getValue();
      }
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  /** Logits of one sequence without padding. */
  float[][] next(long... ids) throws OrtException {
    long past = shapes.values().stream().mapToLong(shape -> shape[2]).findFirst().orElse(0);
    long[] mask = new long[(int) past + ids.length];
    Arrays.fill(mask, 1);
    return next(new long[][] {ids}, new long[][] {mask})[0];
  }

  /** Rows of different length made equally long on the left. */
  static long[][] padded(long[][] rows, boolean asMask) {
    int longest = Arrays.stream(rows).mapToInt(row -> row.length).max().orElseThrow();
    long[][] all = new long[rows.length][longest];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        all[i][longest - rows[i].length + j] = asMask ? 1 : rows[i][j];
      }
    }
    return all;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
