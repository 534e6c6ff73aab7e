package org.snmf4j.causal;

import ai.onnxruntime.OnnxTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.snmf4j.onnx.graph.CacheEntry;

/**
 * Sequences whose earlier tokens' keys and values stay in the native tensors that the model
 * returns. Padding is on the left, so that all rows grow at the same place.
 *
 * <p>A row that is dropped stays in the tensors, ignored, until a quarter of them are such rows:
 * taking it out copies the cache.
 */
final class CachedBatch implements Batch {
  private final Runner runner;
  private final int context;
  private Tensors owned = new Tensors();
  private Map<String, OnnxTensor> cache;
  private List<Steering> steerings;
  private SteeringFeeds steering;

  /** Per row of the tensors: how many tokens of padding come first. */
  private int[] padding;

  /** Tokens in the cache, padding counted. */
  private int past;

  /** Rows of the tensors that are still wanted. */
  private int[] active;

  private float[] logits;

  /**
   * @param context longest sequence
   */
  CachedBatch(Runner runner, int[][] sequences, List<Steering> steerings, int context) {
    this.runner = runner;
    this.context = context;
    this.steerings = steerings;
    this.active = IntStream.range(0, sequences.length).toArray();
    int length = Arrays.stream(sequences).mapToInt(sequence -> sequence.length).max().orElseThrow();
    this.padding =
        Arrays.stream(sequences).mapToInt(sequence -> length - sequence.length).toArray();
    this.steering = new SteeringFeeds(runner, steerings);
    try {
      long[] ids = new long[Math.multiplyExact(sequences.length, length)];
      for (int row = 0; row < sequences.length; row++) {
        for (int i = 0; i < sequences[row].length; i++) {
          ids[row * length + padding[row] + i] = sequences[row][i];
        }
      }
      run(ids, length);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void run(long[] ids, int length) {
    int rows = padding.length;
    int total = past + length;
    long[] mask = new long[Math.multiplyExact(rows, total)];
    long[] positions = new long[ids.length];
    for (int row = 0; row < rows; row++) {
      Arrays.fill(mask, row * total + padding[row], (row + 1) * total, 1);
      for (int i = 0; i < length; i++) {
        // Padding has no position, and rows that are no longer wanted may outgrow the context.
        positions[row * length + i] = Math.min(context - 1L, Math.max(0, past + i - padding[row]));
      }
    }
    int[] last = new int[rows];
    Arrays.fill(last, length - 1);
    Step step = new Step(rows, length, past, ids, mask, positions, last);
    Runner.Outcome outcome = runner.run(step, steering.feeds(), cache, true);
    own(outcome.cache());
    logits = outcome.logits();
    past = total;
  }

  private void own(Map<String, OnnxTensor> tensors) {
    Tensors fresh = new Tensors();
    tensors.values().forEach(fresh::add);
    owned.close();
    owned = fresh;
    cache = tensors;
  }

  @Override
  public float[] logits(int row) {
    int vocabulary = logits.length / padding.length;
    int at = active[row] * vocabulary;
    return Arrays.copyOfRange(logits, at, at + vocabulary);
  }

  @Override
  public void advance(int[] rows, int[] ids) {
    active = Arrays.stream(rows).map(row -> active[row]).toArray();
    if (active.length * 4L <= padding.length * 3L) {
      compact();
    }
    long[] next = new long[padding.length];
    for (int i = 0; i < active.length; i++) {
      next[active[i]] = ids[i];
    }
    run(next, 1);
  }

  /** Takes rows that are no longer wanted out of all tensors. */
  private void compact() {
    List<CacheEntry> entries = runner.cache().orElseThrow().entries();
    if (!entries.stream().allMatch(entry -> CacheRows.canSelect(cache.get(entry.past())))) {
      return;
    }
    List<Steering> kept = new ArrayList<>();
    for (int row : active) {
      kept.add(steerings.get(row));
    }
    SteeringFeeds fewer = new SteeringFeeds(runner, kept);
    steering.close();
    steering = fewer;
    steerings = kept;
    Map<String, OnnxTensor> smaller = new LinkedHashMap<>();
    try (Tensors made = new Tensors()) {
      for (CacheEntry entry : entries) {
        OnnxTensor tensor = cache.get(entry.past());
        smaller.put(
            entry.past(), made.add(CacheRows.select(runner, tensor, entry.batchAxis(), active)));
      }
      smaller.values().forEach(made::release);
    }
    own(smaller);
    padding = Arrays.stream(active).map(row -> padding[row]).toArray();
    active = IntStream.range(0, active.length).toArray();
  }

  @Override
  public void close() {
    owned.close();
    steering.close();
  }
}
