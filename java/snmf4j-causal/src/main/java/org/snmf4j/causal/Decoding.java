package org.snmf4j.causal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * Sequences that a model reads side by side, token after token. Rows are numbered from 0 in the
 * order of the sequences.
 *
 * <p>Holds the key/value cache, in native memory, until {@link #close()}; use afterwards throws
 * {@link ClosedException}. After a failure it can only be closed. For use by one thread.
 */
public final class Decoding implements AutoCloseable {
  private final CausalModel model;
  private final List<Batch> batches;

  /** Per row: its batch, its row there and its number of tokens. */
  private List<Place> places;

  private boolean closed;

  record Place(Batch batch, int row, int length) {}

  Decoding(CausalModel model, List<Batch> batches, List<Place> places) {
    this.model = model;
    this.batches = new ArrayList<>(batches);
    this.places = places;
  }

  /** Number of rows. */
  public int rows() {
    return places.size();
  }

  /**
   * Logits of the token after a row's last one.
   *
   * @return {@code [vocabulary]}, a copy
   */
  public float[] logits(int row) {
    requireOpen();
    requireRow(row);
    return places.get(row).batch().logits(places.get(row).row());
  }

  /**
   * Adds a token to some rows and drops the others.
   *
   * @param rows those that stay, ascending, at least one; they become rows 0, 1, …
   * @param ids a token for each
   * @throws InvalidArgumentException if rows and ids do not go together
   * @throws org.snmf4j.onnx.TokenizerMismatchException if an id is not in the vocabulary
   * @throws org.snmf4j.onnx.ContextOverflowException if a row grows beyond the context
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
   */
  public void advance(int[] rows, int[] ids) {
    requireOpen();
    if (rows.length == 0 || rows.length != ids.length) {
      throw new InvalidArgumentException(
          "rows",
          rows.length + " rows with " + ids.length + " ids",
          "at least one, each with an id");
    }
    for (int i = 0; i < rows.length; i++) {
      requireRow(rows[i]);
      if (i > 0 && rows[i] <= rows[i - 1]) {
        throw new InvalidArgumentException("rows", Arrays.toString(rows), "ascending");
      }
      model.requireId(rows[i], ids[i]);
      model.requireLength(rows[i], places.get(rows[i]).length() + 1);
    }
    Place[] next = new Place[rows.length];
    for (Batch batch : List.copyOf(batches)) {
      int[] inBatch = new int[rows.length];
      int[] newIds = new int[rows.length];
      int count = 0;
      for (int i = 0; i < rows.length; i++) {
        Place place = places.get(rows[i]);
        if (place.batch() == batch) {
          next[i] = new Place(batch, count, place.length() + 1);
          inBatch[count] = place.row();
          newIds[count++] = ids[i];
        }
      }
      if (count == 0) {
        batches.remove(batch);
        batch.close();
      } else {
        batch.advance(Arrays.copyOf(inBatch, count), Arrays.copyOf(newIds, count));
      }
    }
    places = List.of(next);
  }

  private void requireRow(int row) {
    if (row < 0 || row >= places.size()) {
      throw new InvalidArgumentException("row", row, "between 0 and " + (places.size() - 1));
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new ClosedException("the decoding is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    batches.forEach(Batch::close);
    batches.clear();
  }
}
