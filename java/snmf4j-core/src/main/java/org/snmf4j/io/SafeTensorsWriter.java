package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * Collects tensors and metadata and writes them as one safetensors file.
 *
 * <p>The same content gives the same bytes, in whatever order it was added: metadata by key, then
 * tensors of 8-byte elements before those of 4, each by name, so that all lie aligned.
 *
 * <p>Threads: not safe.
 */
public final class SafeTensorsWriter {
  private final Map<String, String> metadata = new TreeMap<>();
  private final Map<String, Entry> tensors = new TreeMap<>();

  /** Writes one tensor's bytes. */
  @FunctionalInterface
  private interface Content {
    void write(FileChannel channel) throws IOException;
  }

  private record Entry(String name, TensorType type, long[] shape, long bytes, Content content) {}

  /**
   * Adds a key-value pair.
   *
   * @throws InvalidArgumentException where the key is there already, or a text is not valid Unicode
   */
  public SafeTensorsWriter metadata(String key, String value) {
    requireUnicode("metadata key", key);
    requireUnicode("metadata " + key, value);
    if (metadata.putIfAbsent(key, value) != null) {
      throw new InvalidArgumentException("metadata key", key, "added only once");
    }
    return this;
  }

  /**
   * Adds a matrix as F32 of shape {@code [rows, columns]}, whatever its element type.
   *
   * @param name the tensor's name
   * @param matrix read when {@link #write} is called, so it must not be closed before
   * @throws InvalidArgumentException where the name is there already or is {@code __metadata__}
   */
  public SafeTensorsWriter add(String name, Matrix matrix) {
    return add(
        new Entry(
            name,
            TensorType.F32,
            new long[] {matrix.rows(), matrix.columns()},
            Math.multiplyExact(matrix.rows() * matrix.columns(), 4L),
            channel -> MatrixBytes.write(channel, matrix, ElementType.FLOAT32, name)));
  }

  /**
   * Adds integers as I64.
   *
   * @param name the tensor's name
   * @param values row by row; copied
   * @param shape its product must be {@code values.length}; none for a scalar
   * @throws InvalidArgumentException as from {@link #add}, or where the shape does not fit
   */
  public SafeTensorsWriter addLongs(String name, long[] values, long... shape) {
    requireShape(shape, values.length);
    long[] copy = values.clone();
    return add(
        new Entry(
            name,
            TensorType.I64,
            shape.clone(),
            8L * copy.length,
            channel -> writeWords(channel, copy.length, (buffer, i) -> buffer.putLong(copy[i]))));
  }

  /**
   * Adds numbers as F64.
   *
   * @param name the tensor's name
   * @param values row by row; copied
   * @param shape its product must be {@code values.length}; none for a scalar
   * @throws InvalidArgumentException as from {@link #add}, or where the shape does not fit
   */
  public SafeTensorsWriter addDoubles(String name, double[] values, long... shape) {
    requireShape(shape, values.length);
    double[] copy = values.clone();
    return add(
        new Entry(
            name,
            TensorType.F64,
            shape.clone(),
            8L * copy.length,
            channel -> writeWords(channel, copy.length, (buffer, i) -> buffer.putDouble(copy[i]))));
  }

  /**
   * Writes the file, whole or not at all.
   *
   * @throws InvalidArgumentException where a finite element of a float64 matrix is too large for
   *     F32, or the header would exceed 100 MB
   * @throws FileAccessException as in {@link AtomicFile#write}
   */
  public void write(Path file) {
    List<Entry> order = new ArrayList<>(tensors.values());
    order.sort(
        Comparator.<Entry>comparingInt(entry -> -entry.type().bytes()).thenComparing(Entry::name));
    byte[] json = header(order).getBytes(StandardCharsets.UTF_8);
    int length = Math.addExact(json.length, 7) / 8 * 8;
    if (length > SafeTensorsHeader.MAX_LENGTH) {
      throw new InvalidArgumentException(
          "safetensors header",
          "of " + length + " bytes",
          "at most " + SafeTensorsHeader.MAX_LENGTH + " bytes long");
    }
    ByteBuffer header = ByteBuffer.allocate(8 + length).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(length).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    header.flip();
    AtomicFile.write(
        file,
        channel -> {
          FileBytes.write(channel, header);
          for (Entry entry : order) {
            entry.content().write(channel);
          }
        });
  }

  private SafeTensorsWriter add(Entry entry) {
    requireUnicode("tensor name", entry.name());
    if (entry.name().equals(SafeTensorsHeader.METADATA)) {
      throw new InvalidArgumentException(
          "tensor name", entry.name(), "another: the format reserves it");
    }
    if (tensors.putIfAbsent(entry.name(), entry) != null) {
      throw new InvalidArgumentException("tensor name", entry.name(), "added only once");
    }
    return this;
  }

  private String header(List<Entry> order) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      quote(json, SafeTensorsHeader.METADATA).append(":{");
      String comma = "";
      for (Map.Entry<String, String> pair : metadata.entrySet()) {
        quote(json.append(comma), pair.getKey()).append(':');
        quote(json, pair.getValue());
        comma = ",";
      }
      json.append('}');
    }
    long begin = 0;
    for (Entry entry : order) {
      long end = Math.addExact(begin, entry.bytes());
      quote(json.append(json.length() == 1 ? "" : ","), entry.name())
          .append(":{\"dtype\":\"")
          .append(entry.type())
          .append("\",\"shape\":")
          .append(Arrays.toString(entry.shape()).replace(" ", ""))
          .append(",\"data_offsets\":[")
          .append(begin)
          .append(',')
          .append(end)
          .append("]}");
      begin = end;
    }
    return json.append('}').toString();
  }

  private static StringBuilder quote(StringBuilder json, String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"');
  }

  /** Puts element {@code index} into the buffer. */
  private interface Source {
    void put(ByteBuffer buffer, int index);
  }

  private static void writeWords(FileChannel channel, int count, Source source) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      source.put(buffer, i);
      if (!buffer.hasRemaining() || i == count - 1) {
        buffer.flip();
        FileBytes.write(channel, buffer);
        buffer.clear();
      }
    }
  }

  private static void requireShape(long[] shape, int elements) {
    long product = 1;
    for (long dimension : shape) {
      if (dimension < 0 || (dimension > elements && elements > 0)) {
        product = -1;
        break;
      }
      product = dimension == 0 ? 0 : product <= elements ? product * dimension : product;
    }
    if (product != elements) {
      throw new InvalidArgumentException(
          "shape", Arrays.toString(shape), "of " + elements + " elements, as the values are");
    }
  }

  private static void requireUnicode(String what, String text) {
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new InvalidArgumentException(
          what, FileBytes.quote(text), "free of unpaired surrogates");
    }
  }
}
