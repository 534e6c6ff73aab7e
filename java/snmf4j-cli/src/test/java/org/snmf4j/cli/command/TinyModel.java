package org.snmf4j.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.snmf4j.io.SafeTensors;

/** A small exported encoder (3 layers, 80 neurons), its inputs and what its original computed. */
final class TinyModel {
  static final int LAYERS = 3;
  static final int NEURONS = 80;

  private static final String[] WORDS = {
    "red", "blue", "green", "one", "two", "three", "is", "a", "the", "cat", "dog", "sees", "and"
  };

  private TinyModel() {}

  static Path onnx() {
    return resource("bert-torchscript.onnx");
  }

  static SafeTensors truth() {
    return SafeTensors.open(resource("bert-torchscript.safetensors"));
  }

  /** Writes an int64 tensor of the truth, {@code [sentences, length]}, as npy. */
  static Path writeIntegers(Path file, String tensor) {
    try (SafeTensors truth = truth()) {
      return writeIntegers(file, truth.longs(tensor), (int) truth.shape(tensor)[1]);
    }
  }

  static Path writeIntegers(Path file, long[] values, int columns) {
    String header =
        "{'descr': '<i8', 'fortran_order': False, 'shape': (%d, %d), }"
            .formatted(values.length / columns, columns);
    header = header + " ".repeat(63 - (10 + header.length()) % 64) + "\n";
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + header.length() + 8 * values.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
    bytes.put((byte) 0).putShort((short) header.length());
    bytes.put(header.getBytes(StandardCharsets.US_ASCII));
    Arrays.stream(values).forEach(bytes::putLong);
    return write(file, bytes.array());
  }

  /** A tokenizer whose words are ids of the model's vocabulary. */
  static Path writeTokenizer(Path file) {
    StringBuilder vocabulary = new StringBuilder("\"[UNK]\": 0");
    for (int i = 0; i < WORDS.length; i++) {
      vocabulary.append(", \"").append(WORDS[i]).append("\": ").append(5 + 3 * i);
    }
    return write(
        file,
        ("{\"version\": \"1.0\", \"pre_tokenizer\": {\"type\": \"Whitespace\"}, \"model\":"
                + " {\"type\": \"WordLevel\", \"unk_token\": \"[UNK]\", \"vocab\": {"
                + vocabulary
                + "}}}")
            .getBytes(StandardCharsets.UTF_8));
  }

  /** Labelled sentences of the tokenizer's words. */
  static Path writeData(Path file) {
    return write(
        file,
        """
        {
          "colours": ["the cat is red", "the dog is blue", "a green cat sees a red dog"],
          "numbers": ["one and two is three", "three is two and one", "one cat sees two"]
        }
        """
            .getBytes(StandardCharsets.UTF_8));
  }

  private static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path resource(String name) {
    try {
      return Path.of(TinyModel.class.getResource("/models/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
