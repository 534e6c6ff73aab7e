package org.snmf4j.matrix;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.MemoryExhaustedException;

/**
 * A line of elements in direct buffers of one gibibyte each.
 *
 * <p>Why direct buffers: on Java 17 without dependencies the other choices are {@code
 * sun.misc.Unsafe}, whose memory access is being removed from the JDK and reads freed memory
 * without a check, and heap arrays, which native code would have to copy. Direct buffers are
 * checked on every access and are never unmapped under a reader: {@link #close()} only drops them,
 * and the collector returns the memory once nobody can reach it. A racing reader gets an exception,
 * not a crash.
 */
final class Storage {
  private static final long SEGMENT_BYTES = 1L << 30;

  /**
   * Elements that are converted at a time, in bulk and by plain loops, which is the fastest way.
   */
  private static final int CONVERTED = 1 << 10;

  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong LIVE_BYTES = new AtomicLong();

  private final ElementType type;
  private final int shift;
  private final int mask;
  private final Runnable release;
  private final boolean nativeLayout;
  private volatile ByteBuffer[] bytes;
  private volatile FloatBuffer[] floats;
  private volatile DoubleBuffer[] doubles;

  private Storage(ElementType type, ByteBuffer[] bytes, Runnable release) {
    this.type = type;
    this.shift = 30 - Integer.numberOfTrailingZeros(type.bytes());
    this.mask = (1 << shift) - 1;
    this.bytes = bytes;
    this.release = release;
    this.nativeLayout =
        bytes[0].order() == ByteOrder.nativeOrder()
            && bytes[0].alignmentOffset(0, type.bytes()) == 0;
    if (type == ElementType.FLOAT32) {
      floats = new FloatBuffer[bytes.length];
      for (int i = 0; i < bytes.length; i++) {
        floats[i] = bytes[i].asFloatBuffer();
      }
    } else {
      doubles = new DoubleBuffer[bytes.length];
      for (int i = 0; i < bytes.length; i++) {
        doubles[i] = bytes[i].asDoubleBuffer();
      }
    }
  }

  /** Allocates zeroed memory for {@code elements} elements. */
  static Storage allocate(ElementType type, long elements) {
    long size = Math.multiplyExact(elements, (long) type.bytes());
    ByteBuffer[] buffers;
    try {
      // Both the number of segments and the segments themselves may be too much.
      buffers = new ByteBuffer[segments(size)];
      for (int i = 0; i < buffers.length; i++) {
        long length = Math.min(SEGMENT_BYTES, size - i * SEGMENT_BYTES);
        buffers[i] = ByteBuffer.allocateDirect((int) length).order(ByteOrder.nativeOrder());
      }
    } catch (OutOfMemoryError | ArithmeticException e) {
      throw new MemoryExhaustedException(
          "no room for a matrix of "
              + size
              + " bytes off the heap; raise"
              + " -XX:MaxDirectMemorySize (its default is the maximum heap size)",
          e);
    }
    LIVE_BYTES.addAndGet(size);
    // The counter follows close() or, for a matrix that nobody closed, the collector.
    Release release = new Release(size);
    Storage storage = new Storage(type, buffers, release);
    CLEANER.register(storage, release);
    return storage;
  }

  /** Wraps read-only mapped buffers, each of one gibibyte but the last. */
  static Storage mapped(ElementType type, ByteBuffer[] buffers) {
    return new Storage(type, buffers, () -> {});
  }

  /** How many segments hold {@code size} bytes, at least 1. */
  static int segments(long size) {
    return Math.toIntExact((size - 1) / SEGMENT_BYTES + 1);
  }

  static long segmentBytes() {
    return SEGMENT_BYTES;
  }

  static long liveBytes() {
    return LIVE_BYTES.get();
  }

  double get(long index) {
    if (type == ElementType.FLOAT32) {
      return floats()[(int) (index >>> shift)].get((int) index & mask);
    }
    return doubles()[(int) (index >>> shift)].get((int) index & mask);
  }

  void set(long index, double value) {
    if (type == ElementType.FLOAT32) {
      floats()[(int) (index >>> shift)].put((int) index & mask, (float) value);
    } else {
      doubles()[(int) (index >>> shift)].put((int) index & mask, value);
    }
  }

  void read(long index, float[] target, int offset, int length) {
    while (length > 0) {
      int segment = (int) (index >>> shift);
      int at = (int) index & mask;
      int part;
      if (type == ElementType.FLOAT32) {
        FloatBuffer source = floats()[segment];
        part = Math.min(length, source.capacity() - at);
        source.get(at, target, offset, part);
      } else {
        DoubleBuffer source = doubles()[segment];
        part = Math.min(length, source.capacity() - at);
        for (int i = 0; i < part; i++) {
          target[offset + i] = (float) source.get(at + i);
        }
      }
      index += part;
      offset += part;
      length -= part;
    }
  }

  void read(long index, double[] target, int offset, int length) {
    while (length > 0) {
      int segment = (int) (index >>> shift);
      int at = (int) index & mask;
      int part;
      if (type == ElementType.FLOAT64) {
        DoubleBuffer source = doubles()[segment];
        part = Math.min(length, source.capacity() - at);
        source.get(at, target, offset, part);
      } else {
        FloatBuffer source = floats()[segment];
        part = Math.min(length, source.capacity() - at);
        float[] some = new float[Math.min(part, CONVERTED)];
        for (int done = 0; done < part; done += some.length) {
          int count = Math.min(some.length, part - done);
          source.get(at + done, some, 0, count);
          widen(some, target, offset + done, count);
        }
      }
      index += part;
      offset += part;
      length -= part;
    }
  }

  void write(long index, float[] source, int offset, int length) {
    while (length > 0) {
      int segment = (int) (index >>> shift);
      int at = (int) index & mask;
      int part;
      if (type == ElementType.FLOAT32) {
        FloatBuffer target = floats()[segment];
        part = Math.min(length, target.capacity() - at);
        target.put(at, source, offset, part);
      } else {
        DoubleBuffer target = doubles()[segment];
        part = Math.min(length, target.capacity() - at);
        for (int i = 0; i < part; i++) {
          target.put(at + i, source[offset + i]);
        }
      }
      index += part;
      offset += part;
      length -= part;
    }
  }

  void write(long index, double[] source, int offset, int length) {
    while (length > 0) {
      int segment = (int) (index >>> shift);
      int at = (int) index & mask;
      int part;
      if (type == ElementType.FLOAT64) {
        DoubleBuffer target = doubles()[segment];
        part = Math.min(length, target.capacity() - at);
        target.put(at, source, offset, part);
      } else {
        FloatBuffer target = floats()[segment];
        part = Math.min(length, target.capacity() - at);
        float[] some = new float[Math.min(part, CONVERTED)];
        for (int done = 0; done < part; done += some.length) {
          int count = Math.min(some.length, part - done);
          narrow(source, offset + done, some, count);
          target.put(at + done, some, 0, count);
        }
      }
      index += part;
      offset += part;
      length -= part;
    }
  }

  private static void widen(float[] source, double[] target, int offset, int count) {
    for (int i = 0; i < count; i++) {
      target[offset + i] = source[i];
    }
  }

  private static void narrow(double[] source, int offset, float[] target, int count) {
    for (int i = 0; i < count; i++) {
      target[i] = (float) source[offset + i];
    }
  }

  /** Whether native code can take the memory for aligned numbers of its own byte order. */
  boolean isNativeLayout() {
    return nativeLayout;
  }

  /** How many elements from {@code index} on lie in the same segment. */
  long contiguous(long index) {
    return (1L << shift) - (index & mask);
  }

  /** The bytes of {@code length} elements from {@code index} on, which lie in one segment. */
  ByteBuffer slice(long index, long length) {
    ByteBuffer[] current = bytes;
    if (current == null) {
      throw closed();
    }
    ByteBuffer segment = current[(int) (index >>> shift)];
    int from = ((int) index & mask) * type.bytes();
    return segment.slice(from, Math.toIntExact(length * type.bytes())).order(segment.order());
  }

  void close() {
    bytes = null;
    floats = null;
    doubles = null;
    release.run();
  }

  boolean isClosed() {
    return bytes == null;
  }

  private FloatBuffer[] floats() {
    FloatBuffer[] current = floats;
    if (current == null) {
      throw closed();
    }
    return current;
  }

  private DoubleBuffer[] doubles() {
    DoubleBuffer[] current = doubles;
    if (current == null) {
      throw closed();
    }
    return current;
  }

  private static ClosedException closed() {
    return new ClosedException("the matrix is closed");
  }

  private static final class Release implements Runnable {
    private final AtomicLong bytes;

    Release(long bytes) {
      this.bytes = new AtomicLong(bytes);
    }

    @Override
    public void run() {
      LIVE_BYTES.addAndGet(-bytes.getAndSet(0));
    }
  }
}
