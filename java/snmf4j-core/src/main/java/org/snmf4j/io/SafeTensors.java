package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/**
 * A safetensors file, open for reading, as <a
 * href="https://github.com/huggingface/safetensors#format">its format</a> describes it.
 *
 * <p>The header is checked completely on opening: every tensor's bytes lie in the file, match its
 * shape and type, and fill the file without overlap, hole or remainder. {@link #close()} releases
 * the file; it is idempotent, afterwards reading a tensor throws {@link ClosedException}. Matrices
 * got before stay valid; the file must not be shortened while they live.
 *
 * <p>Threads: safe. A thread that is interrupted while it reads closes the file for all.
 */
public final class SafeTensors implements AutoCloseable {
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private final Path file;
  private final FileChannel channel;
  private final SafeTensorsHeader header;

  private SafeTensors(Path file, FileChannel channel, SafeTensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws FileFormatException where the file breaks the format
   * @throws FileAccessException where the file cannot be read
   * @throws MemoryExhaustedException where the heap does not hold the header, 100 MB at most
   */
  public static SafeTensors open(Path file) {
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      boolean done = false;
      try {
        SafeTensors tensors = new SafeTensors(file, channel, SafeTensorsHeader.read(channel, file));
        done = true;
        return tensors;
      } catch (OutOfMemoryError e) {
        throw new MemoryExhaustedException("no room on the heap for the header of " + file, e);
      } finally {
        if (!done) {
          channel.close();
        }
      }
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  /** Names of the tensors, in the header's order. */
  public Set<String> names() {
    return header.tensors().keySet();
  }

  /** The file's own key-value pairs; empty where it has none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /**
   * Shape of a tensor; empty for a scalar.
   *
   * @throws InvalidArgumentException where the file has no such tensor, as from all methods that
   *     take a name; the message lists those it has
   */
  public long[] shape(String name) {
    return tensor(name).shape().clone();
  }

  /** Element type of a tensor. */
  public TensorType dtype(String name) {
    return tensor(name).type();
  }

  /**
   * A tensor of two dimensions, or of one, {@code [n]}, as a matrix {@code [1, n]}.
   *
   * @return for F32 and F64 a read-only mapping of the file; for F16 and BF16 a float32 copy
   * @throws FileFormatException where the tensor is empty or has another shape or type
   * @throws MemoryExhaustedException where there is no room for the copy
   */
  public Matrix matrix(String name) {
    SafeTensorsHeader.Tensor tensor = tensor(name);
    long[] shape = tensor.shape();
    if (shape.length < 1 || shape.length > 2 || tensor.elements() == 0) {
      throw unfit(tensor, "a matrix needs one or two dimensions, none of them 0");
    }
    long rows = shape.length == 2 ? shape[0] : 1;
    long columns = shape[shape.length - 1];
    try {
      switch (tensor.type()) {
        case F32:
        case F64:
          return Matrix.map(
              channel,
              tensor.begin(),
              tensor.type() == TensorType.F32 ? ElementType.FLOAT32 : ElementType.FLOAT64,
              rows,
              columns,
              true,
              ByteOrder.LITTLE_ENDIAN);
        case F16:
        case BF16:
          return widened(tensor, rows, columns);
        default:
          throw unfit(tensor, "a matrix needs F32, F64, F16 or BF16");
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /**
   * The elements of an F64, F32, F16 or BF16 tensor of any shape, row by row.
   *
   * @throws FileFormatException where the tensor has another type or more elements than an array
   * @throws MemoryExhaustedException where the heap does not hold them
   */
  public double[] doubles(String name) {
    SafeTensorsHeader.Tensor tensor = tensor(name);
    ToDoubleFunction<ByteBuffer> element =
        switch (tensor.type()) {
          case F64 -> ByteBuffer::getDouble;
          case F32 -> ByteBuffer::getFloat;
          case F16 -> buffer -> HalfFloat.fromF16(buffer.getShort());
          case BF16 -> buffer -> HalfFloat.fromBf16(buffer.getShort());
          default -> throw unfit(tensor, "doubles need F64, F32, F16 or BF16");
        };
    try {
      double[] values = new double[length(tensor)];
      read(tensor, 0, values.length, (buffer, i) -> values[i] = element.applyAsDouble(buffer));
      return values;
    } catch (OutOfMemoryError e) {
      throw noRoom(tensor, e);
    }
  }

  /**
   * The elements of an I64 or I32 tensor of any shape, row by row.
   *
   * @throws FileFormatException where the tensor has another type or more elements than an array
   * @throws MemoryExhaustedException where the heap does not hold them
   */
  public long[] longs(String name) {
    SafeTensorsHeader.Tensor tensor = tensor(name);
    boolean wide = tensor.type() == TensorType.I64;
    if (!wide && tensor.type() != TensorType.I32) {
      throw unfit(tensor, "longs need I64 or I32");
    }
    try {
      long[] values = new long[length(tensor)];
      read(
          tensor,
          0,
          values.length,
          (buffer, i) -> values[i] = wide ? buffer.getLong() : buffer.getInt());
      return values;
    } catch (OutOfMemoryError e) {
      throw noRoom(tensor, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new FileAccessException("close", file, e);
    }
  }

  /** The names in brackets, shortened where there are very many; for messages. */
  String listNames() {
    StringBuilder list = new StringBuilder("[");
    int count = 0;
    for (String name : names()) {
      if (count == 50) {
        list.append(", … ").append(names().size() - count).append(" more");
        break;
      }
      list.append(count++ == 0 ? "" : ", ").append(FileBytes.quote(name));
    }
    return list.append("]").toString();
  }

  private Matrix widened(SafeTensorsHeader.Tensor tensor, long rows, long columns) {
    boolean brain = tensor.type() == TensorType.BF16;
    Matrix matrix = Matrix.allocate(ElementType.FLOAT32, rows, columns);
    boolean done = false;
    try {
      float[] part = new float[(int) Math.min(columns, 1 << 15)];
      for (long row = 0; row < rows; row++) {
        for (long column = 0; column < columns; column += part.length) {
          int length = (int) Math.min(part.length, columns - column);
          read(
              tensor,
              row * columns + column,
              length,
              (buffer, i) ->
                  part[i] =
                      brain
                          ? HalfFloat.fromBf16(buffer.getShort())
                          : HalfFloat.fromF16(buffer.getShort()));
          matrix.writeRow(row, column, part, 0, length);
        }
      }
      done = true;
      return matrix;
    } finally {
      if (!done) {
        matrix.close();
      }
    }
  }

  /** Takes the buffer's next element as the element {@code index} of what is read. */
  private interface Sink {
    void take(ByteBuffer buffer, int index);
  }

  private void read(SafeTensorsHeader.Tensor tensor, long from, int count, Sink sink) {
    int bytes = tensor.type().bytes();
    int perBuffer = (1 << 16) / bytes;
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.min(perBuffer, count) * bytes).order(ByteOrder.LITTLE_ENDIAN);
    try {
      for (int at = 0; at < count; at += perBuffer) {
        int part = Math.min(perBuffer, count - at);
        buffer.clear().limit(part * bytes);
        FileBytes.read(channel, file, tensor.begin() + (from + at) * bytes, buffer);
        for (int i = 0; i < part; i++) {
          sink.take(buffer, at + i);
        }
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private SafeTensorsHeader.Tensor tensor(String name) {
    SafeTensorsHeader.Tensor tensor = header.tensors().get(name);
    if (tensor == null) {
      throw new InvalidArgumentException("tensor", name, "one of " + listNames() + " of " + file);
    }
    return tensor;
  }

  private int length(SafeTensorsHeader.Tensor tensor) {
    long elements = tensor.elements();
    if (elements > MAX_ARRAY) {
      throw unfit(tensor, "an array holds at most " + MAX_ARRAY + " elements");
    }
    return (int) elements;
  }

  private FileFormatException unfit(SafeTensorsHeader.Tensor tensor, String need) {
    return new FileFormatException(
        file,
        "tensor "
            + FileBytes.quote(tensor.name())
            + " is "
            + tensor.type()
            + " "
            + java.util.Arrays.toString(tensor.shape())
            + " but "
            + need);
  }

  private MemoryExhaustedException noRoom(SafeTensorsHeader.Tensor tensor, OutOfMemoryError e) {
    return new MemoryExhaustedException(
        "no room on the heap for the "
            + tensor.elements()
            + " elements of tensor "
            + FileBytes.quote(tensor.name())
            + " of "
            + file,
        e);
  }

  private RuntimeException failure(IOException e) {
    return e instanceof ClosedChannelException
        ? new ClosedException("the safetensors file " + file + " is closed", e)
        : new FileAccessException("read", file, e);
  }
}
