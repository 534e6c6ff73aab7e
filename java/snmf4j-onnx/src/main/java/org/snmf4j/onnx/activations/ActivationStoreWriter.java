package org.snmf4j.onnx.activations;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * Writes an {@link ActivationStore} batch by batch; only a small buffer is held in memory.
 *
 * <p>The directory appears with {@link #commit()}, complete and on the disk. {@link #close()}
 * without a commit leaves nothing behind. Not safe for use by several threads; of several writers
 * of one directory the last to commit wins.
 */
public final class ActivationStoreWriter implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 20;

  private final Path directory;
  private final ModelSource model;
  private final TokenTable tokens;
  private final RowFile.Opener opener;
  private final AtomicDirectory temporary;
  private final Map<StoredFile, RowFile> files = new HashMap<>();
  private ByteBuffer buffer;
  private boolean closed;

  private ActivationStoreWriter(
      Path directory,
      ModelSource model,
      TokenTable tokens,
      RowFile.Opener opener,
      AtomicDirectory temporary) {
    this.directory = directory;
    this.model = model;
    this.tokens = tokens;
    this.opener = opener;
    this.temporary = temporary;
  }

  /**
   * Starts a store.
   *
   * @param directory must be missing, empty or a store, which will be replaced; its parent must
   *     exist
   * @param model where the activations come from
   * @param tokens the n tokens, at least one
   * @throws InvalidArgumentException if the directory holds something else
   * @throws FileAccessException if it cannot be written
   */
  public static ActivationStoreWriter create(Path directory, ModelSource model, TokenTable tokens) {
    return create(directory, model, tokens, RowFile::open);
  }

  static ActivationStoreWriter create(
      Path directory, ModelSource model, TokenTable tokens, RowFile.Opener opener) {
    if (tokens.size() == 0) {
      throw new InvalidArgumentException("tokens", "empty", "at least one token");
    }
    ActivationStore.requireReplaceable(directory);
    try {
      return new ActivationStoreWriter(
          directory, model, tokens, opener, AtomicDirectory.create(directory));
    } catch (IOException e) {
      throw new FileAccessException("write", directory, e);
    }
  }

  /**
   * Writes the activations of neighbouring tokens. Every token of every site and layer must be
   * written once, in any order.
   *
   * @param dimension d, the same for all tokens of a site and layer
   * @param firstToken index of the first of them
   * @param values row by row, {@code [..., d]}
   * @param at index of the first value
   * @param count number of tokens
   */
  public void write(
      Site site, int layer, int dimension, int firstToken, float[] values, int at, int count) {
    write(site, layer, dimension, firstToken, FloatBuffer.wrap(values), at, count);
  }

  /** As the other, from a buffer; {@code at} is an absolute index. */
  public void write(
      Site site, int layer, int dimension, int firstToken, FloatBuffer values, int at, int count) {
    if (closed) {
      throw new ClosedException("the writer of " + directory + " is closed");
    }
    if (firstToken < 0 || count < 1 || firstToken > tokens.size() - count) {
      throw new InvalidArgumentException(
          "tokens",
          "[" + firstToken + ", " + (firstToken + count) + ")",
          "non-empty and within [0, " + tokens.size() + ")");
    }
    try {
      RowFile file = file(site, layer, dimension);
      file.write(firstToken, values, at, count, buffer(dimension));
    } catch (IOException e) {
      throw new FileAccessException("write", directory, e);
    }
  }

  private RowFile file(Site site, int layer, int dimension) throws IOException {
    StoredFile key = new StoredFile(site, layer, dimension);
    RowFile file = files.get(key);
    if (file != null) {
      return file;
    }
    for (StoredFile other : files.keySet()) {
      if (other.name().equals(key.name())) {
        throw new InvalidArgumentException(
            "dimension", dimension, "that of the rows before, " + other.dimension());
      }
    }
    RowFile created =
        RowFile.create(temporary.path().resolve(key.name()), tokens.size(), dimension, opener);
    files.put(key, created);
    return created;
  }

  private ByteBuffer buffer(int dimension) {
    int row = dimension * Float.BYTES;
    if (buffer == null || buffer.capacity() < row) {
      buffer =
          ByteBuffer.allocateDirect(Math.max(row, BUFFER_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    }
    return buffer;
  }

  /**
   * Finishes the store and gives it its name.
   *
   * @return the store
   * @throws FileAccessException if the disk is full or refuses; nothing is left behind
   */
  public ActivationStore commit() {
    if (closed) {
      throw new ClosedException("the writer of " + directory + " is closed");
    }
    if (files.isEmpty()) {
      throw new IllegalStateException("no activations were written");
    }
    for (Map.Entry<StoredFile, RowFile> entry : files.entrySet()) {
      if (entry.getValue().rows() != tokens.size()) {
        throw new IllegalStateException(
            entry.getKey().name()
                + " has "
                + entry.getValue().rows()
                + " rows instead of "
                + tokens.size());
      }
    }
    List<StoredFile> stored = new ArrayList<>(files.keySet());
    stored.sort(Comparator.comparing(StoredFile::site).thenComparing(StoredFile::layer));
    try {
      for (RowFile file : files.values()) {
        file.force();
        file.close();
      }
      Path tokenFile = temporary.path().resolve(TokenTableFile.FILE);
      TokenTableFile.write(tokenFile, tokens);
      force(tokenFile);
      Path manifestFile = temporary.path().resolve(Manifest.FILE);
      Manifest manifest = new Manifest(model, tokens.size(), tokens.isLabelled(), stored);
      manifest.write(manifestFile);
      force(manifestFile);
      temporary.commit();
      return new ActivationStore(directory, manifest, tokens);
    } catch (IOException e) {
      throw new FileAccessException("write", directory, e);
    } finally {
      close();
    }
  }

  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** Ends writing; what was not committed is removed. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (RowFile file : files.values()) {
      try {
        file.close();
      } catch (IOException e) {
        System.getLogger(ActivationStoreWriter.class.getName())
            .log(System.Logger.Level.WARNING, "cannot close a file of " + directory, e);
      }
    }
    temporary.discard();
  }
}
