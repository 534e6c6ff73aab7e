package org.snmf4j.io;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.error.FileFormatException;

/**
 * The header of a safetensors file: eight bytes of length, JSON, then the tensors without a gap.
 *
 * @param tensors by name, in the header's order
 */
record SafeTensorsHeader(Map<String, Tensor> tensors, Map<String, String> metadata) {
  /** The limit of the format's reference implementation. */
  static final long MAX_LENGTH = 100_000_000;

  static final String METADATA = "__metadata__";
  private static final int MAX_DIMENSIONS = 64;
  private static final int MAX_ENTRIES = 1 << 20;

  /**
   * One tensor.
   *
   * @param begin first byte, counted from the start of the file
   * @param end byte after the last, counted from the start of the file
   */
  record Tensor(String name, TensorType type, long[] shape, long begin, long end) {
    /** Number of elements; 1 for a scalar. */
    long elements() {
      return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }
  }

  static SafeTensorsHeader read(FileChannel channel, Path file) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw new FileFormatException(
          file, "has " + size + " bytes, fewer than the 8 that start a safetensors file");
    }
    ByteBuffer start = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    FileBytes.read(channel, file, 0, start);
    long length = start.getLong();
    if (length < 0 || length > MAX_LENGTH) {
      throw new FileFormatException(
          file,
          "claims a header of "
              + Long.toUnsignedString(length)
              + " bytes; the limit is "
              + MAX_LENGTH
              + " (is it a safetensors file?)");
    }
    if (length > size - 8) {
      throw new FileFormatException(
          file, "claims a header of " + length + " bytes but only " + (size - 8) + " follow");
    }
    ByteBuffer json = ByteBuffer.allocate((int) length);
    FileBytes.read(channel, file, 8, json);
    if (length == 0 || json.get(0) != '{') {
      throw new FileFormatException(file, "has a malformed header: it does not start with '{'");
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(json).toString();
      SafeTensorsHeader header = parse(file, text, 8 + length);
      header.requireLayout(file, 8 + length, size);
      return header;
    } catch (CharacterCodingException e) {
      throw new FileFormatException(file, "has a header that is not valid UTF-8", e);
    }
  }

  private static SafeTensorsHeader parse(Path file, String text, long dataStart) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    JsonCursor json = new JsonCursor(file, text);
    json.object(
        "the header",
        MAX_ENTRIES,
        name -> {
          if (name.equals(METADATA)) {
            json.object(
                METADATA,
                MAX_ENTRIES,
                key ->
                    metadata.put(
                        key, json.string("the value of metadata " + FileBytes.quote(key))));
          } else {
            tensors.put(name, tensor(file, json, name, dataStart));
          }
        });
    json.end();
    return new SafeTensorsHeader(
        Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
  }

  private static Tensor tensor(Path file, JsonCursor json, String name, long dataStart) {
    String what = "tensor " + FileBytes.quote(name);
    Fields fields = new Fields();
    json.object(
        what,
        3,
        key -> {
          switch (key) {
            case "dtype":
              fields.type = type(json, what);
              break;
            case "shape":
              fields.shape = json.integers("the shape of " + what, MAX_DIMENSIONS);
              break;
            case "data_offsets":
              fields.offsets = json.integers("data_offsets of " + what, 2);
              break;
            default:
              throw json.broken(what + " has the unknown key " + FileBytes.quote(key));
          }
        });
    if (fields.type == null || fields.shape == null || fields.offsets == null) {
      throw json.broken(what + " lacks one of dtype, shape and data_offsets");
    }
    if (fields.offsets.length != 2) {
      throw json.broken("data_offsets of " + what + " must have 2 elements");
    }
    long begin = fields.offsets[0];
    long end = fields.offsets[1];
    if (begin > end || end > Long.MAX_VALUE - dataStart) {
      throw new FileFormatException(
          file, what + " has the impossible data_offsets [" + begin + ", " + end + "]");
    }
    requireSize(file, what, fields, end - begin);
    return new Tensor(name, fields.type, fields.shape, dataStart + begin, dataStart + end);
  }

  private static TensorType type(JsonCursor json, String what) {
    String name = json.string("the dtype of " + what);
    for (TensorType type : TensorType.values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw json.broken(what + " has the unknown dtype " + FileBytes.quote(name));
  }

  private static void requireSize(Path file, String what, Fields fields, long found) {
    BigInteger bits = BigInteger.valueOf(fields.type.bits());
    for (long dimension : fields.shape) {
      bits = bits.multiply(BigInteger.valueOf(dimension));
    }
    if (!bits.equals(BigInteger.valueOf(found).shiftLeft(3))) {
      throw new FileFormatException(
          file,
          what
              + " of shape "
              + Arrays.toString(fields.shape)
              + " and dtype "
              + fields.type
              + " takes "
              + bits.add(BigInteger.valueOf(7)).shiftRight(3)
              + " bytes but its data_offsets span "
              + found);
    }
  }

  /** The tensors must fill the rest of the file: no overlap, no hole, nothing after them. */
  private void requireLayout(Path file, long dataStart, long size) {
    List<Tensor> sorted = new ArrayList<>(tensors.values());
    sorted.sort(Comparator.comparingLong(Tensor::begin).thenComparingLong(Tensor::end));
    long at = dataStart;
    for (Tensor tensor : sorted) {
      String what = "tensor " + FileBytes.quote(tensor.name());
      if (tensor.end() > size) {
        throw new FileFormatException(
            file,
            what + " ends at byte " + tensor.end() + " but the file has only " + size + " bytes");
      }
      if (tensor.begin() != at) {
        throw new FileFormatException(
            file,
            what
                + " starts at byte "
                + tensor.begin()
                + (tensor.begin() < at ? " and overlaps another:" : " after a hole:")
                + " the data before it ends at byte "
                + at);
      }
      at = tensor.end();
    }
    if (at != size) {
      throw new FileFormatException(
          file, "has " + (size - at) + " bytes after its last tensor, which ends at byte " + at);
    }
  }

  private static final class Fields {
    private TensorType type;
    private long[] shape;
    private long[] offsets;
  }
}
