package org.snmf4j;

import java.util.Iterator;
import java.util.function.Consumer;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Refresh;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Finds the coefficients of new tokens under a model's features, block by block: per token the
 * non-negative least squares min ‖a − Zy‖², y ≥ 0, with the fit's coefficient penalty, if it had
 * one. Made by {@link SnmfModel#encoder}; keeps the features and the memory that a block needs on
 * the backend, so that a stream of blocks allocates nothing after the first ones. Blocks of one
 * size are fastest, and some hundred tokens or more at a time.
 *
 * <p>Accuracy: a group of 64 neighbouring tokens is done once a sweep over its coefficients lowers
 * its squared error by no more than 1e-8 of the squared norm that they explain. As every sweep
 * takes off a fixed share of what is left, about half of it on activations of real models, what is
 * left then is of that order; float32 arithmetic leaves as much. A token's result depends on its
 * neighbours only through when the sweeps stop.
 *
 * <p>Ownership: independent of the model once made; does not own the backend. Holds up to two times
 * 64 MiB of packed activations, at least 64 tokens each. {@link #close()} frees all; so does
 * closing the backend.
 *
 * <p>Threads: may be shared; calls are serialized, as are those of one backend. For more tokens per
 * second give the backend more threads.
 */
public final class Encoder implements AutoCloseable {
  /** Sweeps after which a group of tokens is given up; convergence takes about twenty. */
  private static final int SWEEPS = 2000;

  private static final double TOLERANCE = 1e-8;

  /** Bytes of activations that are packed at a time. */
  private static final long BLOCK_BYTES = 1L << 26;

  /** Tokens that backends work on together. */
  private static final int PANEL = 64;

  private final Backend backend;
  private final Features features;
  private final UpdateRule rule;
  private final int blockTokens;
  private Room whole;
  private Room rest;
  private Matrix staged;
  private Matrix result;
  private boolean closed;

  /**
   * @param features Z {@code [d, k]}; copied
   * @param penalty λ
   */
  Encoder(Backend backend, Matrix features, double penalty) {
    this.backend = backend;
    rule = new UpdateRule.LeastSquares(SWEEPS, TOLERANCE, penalty);
    long column = features.rows() * backend.elementType().bytes();
    blockTokens = (int) Math.max(PANEL, BLOCK_BYTES / column / PANEL * PANEL);
    this.features = backend.newFeatures((int) features.rows(), (int) features.columns());
    try {
      this.features.upload(features);
    } catch (RuntimeException | Error e) {
      this.features.close();
      throw e;
    }
  }

  /** d. */
  public int neurons() {
    return features.neurons();
  }

  /** k. */
  public int rank() {
    return features.rank();
  }

  /**
   * Coefficients in a new matrix.
   *
   * @param activations A {@code [d, m]}, a column per token, in any layout: a token-major matrix
   *     {@code [m, d]} goes in as its {@link Matrix#transpose()}; finite
   * @return Y {@code [k, m]} of the backend's element type, which the caller closes
   * @throws InvalidArgumentException if A has another number of neurons
   * @throws NonFiniteValueException naming the first NaN or infinity
   */
  public synchronized Matrix encode(Matrix activations) {
    requireUsable();
    requireNeurons(activations, neurons());
    Matrix coefficients = Matrix.allocate(backend.elementType(), rank(), activations.columns());
    try {
      encode(activations, coefficients);
      return coefficients;
    } catch (RuntimeException | Error e) {
      coefficients.close();
      throw e;
    }
  }

  /**
   * Coefficients in a given matrix; fastest in one stored row by row, of the backend's element
   * type.
   *
   * @param activations A {@code [d, m]} as of {@link #encode(Matrix)}
   * @param coefficients {@code [k, m]}, overwritten; after an error in part
   */
  public synchronized void encode(Matrix activations, Matrix coefficients) {
    requireUsable();
    requireNeurons(activations, neurons());
    long tokens = activations.columns();
    if (coefficients.rows() != rank() || coefficients.columns() != tokens) {
      throw new InvalidArgumentException(
          "coefficients",
          "of shape [" + coefficients.rows() + ", " + coefficients.columns() + "]",
          "of shape [" + rank() + ", " + tokens + "]");
    }
    for (long from = 0; from < tokens; from += blockTokens) {
      long to = Math.min(tokens, from + blockTokens);
      Room room = pack(activations.columnRange(from, to), from);
      backend.pass(
          room.activations,
          features,
          rule,
          room.coefficients,
          null,
          null,
          room.coefficients,
          Refresh.NONE,
          null);
      room.coefficients.download(coefficients.columnRange(from, to));
    }
  }

  /**
   * Coefficients of activations as inference engines give them, token after token.
   *
   * @param activations {@code m·d} values: neuron i of token t is at {@code t·d + i}; finite
   * @param coefficients {@code m·k} values, overwritten: coefficient j of token t is at {@code t·k
   *     + j}
   */
  public synchronized void encode(float[] activations, float[] coefficients) {
    requireUsable();
    int tokens = activations.length / neurons();
    if (tokens == 0 || activations.length % neurons() != 0) {
      throw new InvalidArgumentException(
          "activations",
          "of length " + activations.length,
          "of a positive multiple of " + neurons() + ", the model's neurons");
    }
    if (coefficients.length != (long) tokens * rank()) {
      throw new InvalidArgumentException(
          "coefficients",
          "of length " + coefficients.length,
          "of length " + (long) tokens * rank());
    }
    int width = Math.min(tokens, blockTokens);
    if (staged == null || staged.rows() < width) {
      close(staged);
      staged = null;
      staged = Matrix.allocate(ElementType.FLOAT32, width, neurons());
    }
    float[] row = new float[width];
    for (int from = 0; from < tokens; from += width) {
      int count = Math.min(width, tokens - from);
      for (int t = 0; t < count; t++) {
        staged.writeRow(t, 0, activations, (from + t) * neurons(), neurons());
      }
      Matrix block;
      try {
        block = encodeInto(staged.rowRange(0, count).transpose());
      } catch (NonFiniteValueException e) {
        throw placed(e, from);
      }
      for (int j = 0; j < rank(); j++) {
        block.readRow(j, 0, row, 0, count);
        for (int t = 0; t < count; t++) {
          coefficients[(from + t) * rank() + j] = row[t];
        }
      }
    }
  }

  /**
   * Encodes a stream without holding all of it.
   *
   * @param source blocks of activations {@code [d, m]} as of {@link #encode(Matrix)}, of any
   *     numbers of tokens; stay the caller's, who may reuse them once the next one is asked for
   * @param target takes the coefficients {@code [k, m]} of each block, in order; they are valid
   *     during the call only, as the next block reuses their memory. Both are called on this thread
   *     and must not use this encoder
   * @return number of tokens encoded
   */
  public synchronized long encode(Iterator<Matrix> source, Consumer<Matrix> target) {
    requireUsable();
    long tokens = 0;
    while (source.hasNext()) {
      Matrix block = source.next();
      Matrix coefficients;
      try {
        coefficients = encodeInto(block);
      } catch (NonFiniteValueException e) {
        throw placed(e, tokens);
      }
      target.accept(coefficients);
      tokens += block.columns();
    }
    return tokens;
  }

  /** Coefficients {@code [k, m]} in memory that the next call reuses. */
  private Matrix encodeInto(Matrix block) {
    if (result == null || result.columns() < block.columns()) {
      close(result);
      result = null;
      result = Matrix.allocate(backend.elementType(), rank(), block.columns());
    }
    Matrix part = result.columnRange(0, block.columns());
    encode(block, part);
    return part;
  }

  /** Packs tokens from {@code at} on; what is wrong with one is said of its place among all. */
  private Room pack(Matrix block, long at) {
    boolean full = block.columns() == blockTokens;
    Room room = full ? whole : rest;
    try {
      if (room != null && room.activations.tokens() == block.columns()) {
        backend.repack(block, room.activations);
        return room;
      }
      if (room != null) {
        rest = null;
        room.close();
      }
      room = new Room(backend, block, rank());
    } catch (NonFiniteValueException e) {
      throw placed(e, at);
    }
    if (full) {
      whole = room;
    } else {
      rest = room;
    }
    return room;
  }

  private static NonFiniteValueException placed(NonFiniteValueException e, long at) {
    return at == 0
        ? e
        : new NonFiniteValueException("activations", e.row(), at + e.column(), e.value());
  }

  static void requireNeurons(Matrix activations, long neurons) {
    if (activations.rows() != neurons) {
      throw new InvalidArgumentException(
          "activations",
          "of shape [" + activations.rows() + ", " + activations.columns() + "]",
          "of " + neurons + " rows, the model's neurons");
    }
  }

  private void requireUsable() {
    if (closed) {
      throw new ClosedException("the encoder is closed");
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    close(whole);
    close(rest);
    close(staged);
    close(result);
    whole = null;
    rest = null;
    staged = null;
    result = null;
    features.close();
  }

  private static void close(Room room) {
    if (room != null) {
      room.close();
    }
  }

  private static void close(Matrix matrix) {
    if (matrix != null) {
      matrix.close();
    }
  }

  /** What a block of tokens needs on the backend. */
  private static final class Room {
    final Activations activations;
    final Coefficients coefficients;

    Room(Backend backend, Matrix block, int rank) {
      activations = backend.pack(block);
      try {
        coefficients = backend.newCoefficients(rank, block.columns());
      } catch (RuntimeException | Error e) {
        activations.close();
        throw e;
      }
    }

    void close() {
      activations.close();
      coefficients.close();
    }
  }
}
