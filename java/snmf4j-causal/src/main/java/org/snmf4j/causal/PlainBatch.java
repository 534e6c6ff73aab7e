package org.snmf4j.causal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences that are computed from their beginning for every token. Padding is on the right, where
 * a causal model's earlier tokens do not see it.
 */
final class PlainBatch implements Batch {
  private final Runner runner;
  private int[][] sequences;
  private List<Steering> steerings;
  private SteeringFeeds steering;
  private float[] logits;

  PlainBatch(Runner runner, int[][] sequences, List<Steering> steerings) {
    this.runner = runner;
    this.sequences = sequences;
    this.steerings = steerings;
    this.steering = feeds();
    try {
      run();
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private int rows() {
    return runner.inputs().fixedRows().orElse(sequences.length);
  }

  private SteeringFeeds feeds() {
    List<Steering> all = new ArrayList<>(steerings);
    while (all.size() < rows()) {
      all.add(Steering.NONE);
    }
    return new SteeringFeeds(runner, all);
  }

  private void run() {
    int[] last = Arrays.stream(sequences).mapToInt(sequence -> sequence.length - 1).toArray();
    Step step = step(runner, sequences, last);
    logits = runner.run(step, steering.feeds(), null, false).logits();
  }

  /**
   * Sequences from their beginning, padded on the right, and copies of the first one if the model
   * was exported for more of them.
   *
   * @param read which token's logits are wanted, per row
   */
  static Step step(Runner runner, int[][] sequences, int[] read) {
    int longest =
        Arrays.stream(sequences).mapToInt(sequence -> sequence.length).max().orElseThrow();
    int length = runner.inputs().fixedLength().orElse(longest);
    int rows = runner.inputs().fixedRows().orElse(sequences.length);
    long[] ids = new long[Math.multiplyExact(rows, length)];
    long[] mask = new long[ids.length];
    long[] positions = new long[ids.length];
    int[] places = new int[rows];
    for (int row = 0; row < rows; row++) {
      int[] sequence = sequences[row < sequences.length ? row : 0];
      places[row] = read[row < sequences.length ? row : 0];
      for (int i = 0; i < length; i++) {
        boolean token = i < sequence.length;
        ids[row * length + i] = token ? sequence[i] : 0;
        mask[row * length + i] = token ? 1 : 0;
        positions[row * length + i] = token ? i : 0;
      }
    }
    return new Step(rows, length, 0, ids, mask, positions, places);
  }

  @Override
  public float[] logits(int row) {
    int vocabulary = logits.length / rows();
    return Arrays.copyOfRange(logits, row * vocabulary, (row + 1) * vocabulary);
  }

  @Override
  public void advance(int[] rows, int[] ids) {
    int[][] grown = new int[rows.length][];
    List<Steering> kept = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      int[] sequence = sequences[rows[i]];
      grown[i] = Arrays.copyOf(sequence, sequence.length + 1);
      grown[i][sequence.length] = ids[i];
      kept.add(steerings.get(rows[i]));
    }
    boolean dropped = kept.size() < steerings.size();
    sequences = grown;
    steerings = kept;
    if (dropped) {
      SteeringFeeds fewer = feeds();
      steering.close();
      steering = fewer;
    }
    run();
  }

  @Override
  public void close() {
    steering.close();
  }
}
