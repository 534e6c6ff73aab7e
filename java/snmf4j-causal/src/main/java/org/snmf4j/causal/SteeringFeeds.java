package org.snmf4j.causal;

import ai.onnxruntime.OnnxTensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.onnx.graph.SteeringPoint;

/** The tensors of the steering inputs for the rows of a batch. */
final class SteeringFeeds implements AutoCloseable {
  private final Tensors made = new Tensors();
  private final Map<String, OnnxTensor> feeds = new LinkedHashMap<>();

  /**
   * @param steerings one per row; each fits the runner's points
   */
  SteeringFeeds(Runner runner, List<Steering> steerings) {
    int rows = steerings.size();
    try {
      for (SteeringPoint point : runner.points()) {
        float[] shift = new float[Math.multiplyExact(rows, point.width())];
        float[] keep = new float[rows];
        for (int row = 0; row < rows; row++) {
          Steering steering = steerings.get(row);
          boolean steered = isSteered(steering, point);
          keep[row] = steered && steering.isReplacing() ? 0 : 1;
          if (steered) {
            System.arraycopy(steering.shift(), 0, shift, row * point.width(), point.width());
          }
        }
        feeds.put(point.shiftInput(), made.add(runner.tensor(shift, rows, 1, point.width())));
        feeds.put(point.keepInput(), made.add(runner.tensor(keep, rows, 1, 1)));
      }
    } catch (RuntimeException | Error e) {
      made.close();
      throw e;
    }
  }

  private static boolean isSteered(Steering steering, SteeringPoint point) {
    return !steering.isNone()
        && steering.direction().site() == point.site()
        && Arrays.stream(steering.layers()).anyMatch(layer -> layer == point.layer());
  }

  Map<String, OnnxTensor> feeds() {
    return feeds;
  }

  @Override
  public void close() {
    made.close();
  }
}
