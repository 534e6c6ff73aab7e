package org.snmf4j.causal;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.snmf4j.onnx.ModelRunException;
import org.snmf4j.onnx.graph.ModelFormatException;

/** Runs a few tokens to see how a model behaves. */
final class Probe {
  /** Rounding of half precision stays below it, other positions or a seen token do not. */
  private static final double SAME = 0.02;

  /** Rounding to 8 bits by a range that all tokens share moves logits by some hundredths. */
  private static final double ROUNDED = 0.25;

  /** Pairs of tokens after a first one, for models that round so. */
  private static final int PAIRS = 3;

  private final Runner runner;
  private final long vocabulary;
  private final int context;
  private final int logits;

  /**
   * @param rounding whether a token's logits depend on the other tokens' ranges
   * @throws ModelFormatException if the logits of a token depend on later ones
   */
  Probe(Runner runner, OptionalLong embeddings, OptionalInt context, boolean rounding) {
    this.runner = runner;
    this.context = context.orElse(Integer.MAX_VALUE);
    this.vocabulary = embeddings.orElse(2);
    this.logits = first(new int[] {id(0)}).length;
    if (this.context < 2 || runner.inputs().fixedLength().orElse(2) < 2) {
      return;
    }
    double seen = rounding ? leastChange() : change(id(0), id(1), id(2));
    if (seen > (rounding ? ROUNDED : SAME)) {
      throw new ModelFormatException(
          runner.file(),
          "no causal language model: the logits of a token change with the token after it");
    }
  }

  /**
   * Over a few tokens: some, those that begin a text for instance, have activations so large that
   * rounding leaves nothing of the others.
   */
  private double leastChange() {
    double least = Double.POSITIVE_INFINITY;
    for (int pair = 0; pair < PAIRS; pair++) {
      long step = vocabulary / (3 * PAIRS + 1);
      int first = id((3 * pair + 1) * step);
      int second = id((3 * pair + 2) * step);
      int third = id((3 * pair + 3) * step);
      least = Math.min(least, change(first, second, third));
    }
    return least;
  }

  /** How far a token's logits move with the one after it. */
  private double change(int token, int after, int other) {
    return distance(first(new int[] {token, after}), first(new int[] {token, other}));
  }

  private int id(long number) {
    return (int) (number % vocabulary);
  }

  /** Logits of a sequence's first token. */
  private float[] first(int[] sequence) {
    List<Steering> none = Collections.nCopies(runner.inputs().fixedRows().orElse(1), Steering.NONE);
    int[][] rows = Collections.nCopies(none.size(), sequence).toArray(int[][]::new);
    try (SteeringFeeds feeds = new SteeringFeeds(runner, none)) {
      Step step = PlainBatch.step(runner, rows, new int[rows.length]);
      float[] all = runner.run(step, feeds.feeds(), null, false).logits();
      return Arrays.copyOf(all, all.length / rows.length);
    }
  }

  int vocabularySize() {
    return logits;
  }

  /**
   * Whether a sequence that is padded on the left, and grows in the cache, has the logits that it
   * has alone.
   */
  boolean padsOnTheLeft() {
    if (!runner.inputs().takesMaskAndPositions()
        || runner.inputs().fixedRows().isPresent()
        || context < 4) {
      return false;
    }
    int[][] sequences = {{id(1)}, {id(2), id(0), id(1)}};
    int[] next = {id(2), id(0)};
    List<Steering> none = List.of(Steering.NONE, Steering.NONE);
    int[] rows = {0, 1};
    try (Batch padded = new CachedBatch(runner, sequences, none, context);
        Batch alone =
            new CachedBatch(runner, new int[][] {sequences[0]}, List.of(Steering.NONE), context)) {
      boolean same = distance(alone.logits(0), padded.logits(0)) <= SAME;
      padded.advance(rows, next);
      alone.advance(new int[] {0}, new int[] {next[0]});
      return same && distance(alone.logits(0), padded.logits(0)) <= SAME;
    } catch (ModelRunException e) {
      return false;
    }
  }

  /** Relative distance; infinite if a value is NaN. */
  private static double distance(float[] expected, float[] found) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) expected[i] - found[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    double distance = Math.sqrt(difference / Math.max(norm, Double.MIN_NORMAL));
    return Double.isNaN(distance) ? Double.POSITIVE_INFINITY : distance;
  }
}
