package org.snmf4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.snmf4j.error.FileFormatException;

/**
 * The part of an {@code .npy} file before its elements.
 *
 * @param descr the dtype as the file names it, for messages
 * @param kind NumPy's letter: {@code f}, {@code i}, {@code u}, {@code b}, …
 * @param bytes size of an element
 * @param dataStart byte at which the elements start
 */
record NpyHeader(
    String descr,
    ByteOrder order,
    char kind,
    int bytes,
    boolean fortranOrder,
    long rows,
    long columns,
    long dataStart) {
  static final String MAGIC = "\u0093NUMPY";
  // A dictionary for a plain dtype is some 100 bytes; only structured dtypes need more.
  private static final long MAX_LENGTH = 1 << 20;

  /**
   * @param rows whether an array of one dimension counts as one row
   */
  static NpyHeader read(FileChannel channel, Path file, boolean rows) throws IOException {
    long size = channel.size();
    ByteBuffer start = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    start.limit((int) Math.min(size, 12));
    FileBytes.read(channel, file, 0, start);
    byte[] head = start.array();
    for (int i = 0; i < Math.min(start.limit(), MAGIC.length()); i++) {
      if (head[i] != (byte) MAGIC.charAt(i)) {
        throw new FileFormatException(
            file, "is not an npy file: it does not start with \\x93NUMPY");
      }
    }
    if (size < 10) {
      throw new FileFormatException(
          file, "has " + size + " bytes, fewer than the 10 that start an npy file");
    }
    int major = head[6] & 0xff;
    int minor = head[7] & 0xff;
    if (major < 1 || major > 3 || minor != 0) {
      throw new FileFormatException(
          file, "has format version " + major + "." + minor + "; supported are 1.0, 2.0 and 3.0");
    }
    int dictionaryStart = major == 1 ? 10 : 12;
    if (size < dictionaryStart) {
      throw new FileFormatException(file, "has " + size + " bytes and ends inside its header");
    }
    long length =
        major == 1
            ? Short.toUnsignedLong(start.getShort(8))
            : Integer.toUnsignedLong(start.getInt(8));
    if (length > size - dictionaryStart) {
      throw new FileFormatException(
          file,
          "claims a header of "
              + length
              + " bytes but only "
              + (size - dictionaryStart)
              + " bytes follow");
    }
    if (length > MAX_LENGTH) {
      throw new FileFormatException(
          file, "claims a header of " + length + " bytes; the limit is " + MAX_LENGTH);
    }
    ByteBuffer dictionary = ByteBuffer.allocate((int) length);
    FileBytes.read(channel, file, dictionaryStart, dictionary);
    Charset charset = major < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8;
    try {
      String text = charset.newDecoder().decode(dictionary).toString();
      return of(file, NpyDictionary.parse(file, text), dictionaryStart + length, rows);
    } catch (CharacterCodingException e) {
      throw new FileFormatException(file, "has a header that is not valid UTF-8", e);
    }
  }

  private static NpyHeader of(Path file, NpyDictionary dictionary, long dataStart, boolean row) {
    List<Long> shape = dictionary.shape();
    boolean flat = row && shape.size() == 1;
    if (shape.size() != 2 && !flat) {
      throw new FileFormatException(
          file,
          "has shape "
              + shape(shape)
              + ", of "
              + shape.size()
              + (shape.size() == 1 ? " dimension" : " dimensions")
              + " but must have "
              + (row ? "1 or 2" : "2"));
    }
    if (shape.contains(0L)) {
      throw new FileFormatException(file, "has shape " + shape(shape) + ": it is empty");
    }
    String descr = dictionary.descr();
    if (!descr.matches("[<>|=]([a-zA-Z][0-9]{0,9}|[mM]8\\[[0-9a-zA-Zμ/]{1,20}\\])")) {
      throw new FileFormatException(file, "has a malformed dtype " + FileBytes.quote(descr));
    }
    String width = descr.substring(2).replaceFirst("\\[.*", "");
    long bytes = width.isEmpty() ? 0 : Long.parseLong(width);
    char order = descr.charAt(0);
    boolean ordered = order == '<' || order == '>' || (order == '|' && bytes == 1);
    return new NpyHeader(
        descr,
        order == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN,
        ordered || order == '|' ? descr.charAt(1) : '?',
        ordered ? (int) Math.min(bytes, Integer.MAX_VALUE) : 0,
        dictionary.fortranOrder(),
        flat ? 1 : shape.get(0),
        shape.get(flat ? 0 : 1),
        dataStart);
  }

  FileFormatException unsupported(Path file, String supported) {
    String what =
        switch (kind) {
          case 'b' -> " (bool)";
          case 'O' -> " (Python objects)";
          case 'V' -> " (structured or void)";
          case 'c' -> " (complex)";
          case 'S', 'a', 'U' -> " (text)";
          case 'M', 'm' -> " (time)";
          default -> "";
        };
    return new FileFormatException(
        file, "has dtype '" + descr + "'" + what + "; supported are " + supported);
  }

  /** Throws unless the file holds exactly the elements that the shape needs. */
  void requireData(FileChannel channel, Path file) throws IOException {
    long needed;
    try {
      needed = Math.multiplyExact(Math.multiplyExact(rows, columns), (long) bytes);
    } catch (ArithmeticException e) {
      throw new FileFormatException(
          file, "has shape (" + rows + ", " + columns + "), of more than 2^63 bytes", e);
    }
    long found = channel.size() - dataStart;
    if (found != needed) {
      throw new FileFormatException(
          file,
          "has shape ("
              + rows
              + ", "
              + columns
              + ") of dtype '"
              + descr
              + "', which takes "
              + needed
              + " bytes, but "
              + found
              + " follow the header");
    }
  }

  private static String shape(List<Long> shape) {
    String text = shape.toString().replace('[', '(').replace("]", shape.size() == 1 ? ",)" : ")");
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }
}
