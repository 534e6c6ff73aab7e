package org.snmf4j.causal.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.causal.Fixtures;
import org.snmf4j.onnx.text.TextTokenizer;

class TextStreamTest {
  @TempDir Path directory;

  @Test
  void charactersAppearWhole() {
    try (TextTokenizer tokenizer = TextTokenizer.open(Fixtures.tokenizer(directory))) {
      int[] ids = tokenizer.encode("aé😢b").ids();
      assertArrayEquals(new int[] {70, 1, 2, 3, 4, 5, 96, 71}, ids);
      TextStream stream = new TextStream(tokenizer, new int[] {70});
      String[] pieces = {"", "é", "", "", "", "😢", "b"};
      for (int i = 1; i < ids.length; i++) {
        assertEquals(pieces[i - 1], stream.add(ids[i]));
      }
      assertEquals("", stream.end());
      assertEquals("", stream.add(3));
      assertEquals("\uFFFD", stream.end());
    }
  }

  @Test
  void piecesJoinToTheText() {
    Random random = new Random(4);
    try (TextTokenizer tokenizer = TextTokenizer.open(Fixtures.tokenizer(directory))) {
      for (int round = 0; round < 200; round++) {
        // Many broken characters and ends of text.
        int[] ids = random.ints(40, 0, round % 2 == 0 ? 8 : 97).toArray();
        ids[0] = 80;
        TextStream stream = new TextStream(tokenizer, new int[] {80});
        StringBuilder text = new StringBuilder(tokenizer.decode(new int[] {80}));
        for (int i = 1; i < ids.length; i++) {
          text.append(stream.add(ids[i]));
        }
        text.append(stream.end());
        assertEquals(tokenizer.decode(ids), text.toString());
      }
    }
  }
}
