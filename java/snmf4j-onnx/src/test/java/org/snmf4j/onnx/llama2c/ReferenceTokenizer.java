package org.snmf4j.onnx.llama2c;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * llama2.c's own way from text to ids: characters, or else their bytes, then again and again the
 * best-scored pair of neighbours, the leftmost of equals. Slow, and shares no code with the
 * importer.
 */
final class ReferenceTokenizer {
  private final List<String> strings = new ArrayList<>();
  private final List<Float> scores = new ArrayList<>();
  private final Map<String, Integer> latest = new HashMap<>();

  ReferenceTokenizer(Path file) {
    ByteBuffer bytes;
    try {
      bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    bytes.getInt();
    while (bytes.hasRemaining()) {
      scores.add(bytes.getFloat());
      byte[] string = new byte[bytes.getInt()];
      bytes.get(string);
      strings.add(new String(string, StandardCharsets.UTF_8));
      latest.put(strings.get(strings.size() - 1), strings.size() - 1);
    }
  }

  String string(int id) {
    return strings.get(id);
  }

  int size() {
    return strings.size();
  }

  int[] encode(String text) {
    List<Integer> ids = new ArrayList<>();
    ids.add(1);
    if (!text.isEmpty()) {
      ids.add(latest.get(" "));
    }
    text.codePoints()
        .forEach(
            point -> {
              String character = Character.toString(point);
              if (latest.containsKey(character)) {
                ids.add(latest.get(character));
              } else {
                for (byte value : character.getBytes(StandardCharsets.UTF_8)) {
                  ids.add((value & 255) + 3);
                }
              }
            });
    while (true) {
      float best = -1e10f;
      int at = -1;
      int merged = -1;
      for (int i = 0; i + 1 < ids.size(); i++) {
        Integer id = latest.get(strings.get(ids.get(i)) + strings.get(ids.get(i + 1)));
        if (id != null && scores.get(id) > best) {
          best = scores.get(id);
          at = i;
          merged = id;
        }
      }
      if (at < 0) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
      }
      ids.set(at, merged);
      ids.remove(at + 1);
    }
  }
}
