package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.SnmfException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.graph.ModelGraph;

/** Models with flipped bytes are read, or refused with an exception of ours; nothing else. */
class MutatedModelTest {
  private static final int MUTATIONS = 150;

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"gpt2-dynamo", "bert-int8", "llama-torchscript"})
  void mutations(String name) throws IOException {
    byte[] whole = Files.readAllBytes(TestModels.model(name));
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] mutated = whole.clone();
      long seed = random.nextLong();
      Random local = new Random(seed);
      for (int flips = 1 + local.nextInt(8); flips > 0; flips--) {
        mutated[local.nextInt(mutated.length)] = (byte) local.nextInt(256);
      }
      Path file = Files.write(directory.resolve("mutated.onnx"), mutated);
      try {
        ModelGraph graph = ModelGraph.read(file);
        graph.vocabularySize();
        graph.contextLength();
        GraphEditor.cut(graph, List.of(graph.site(Site.RESIDUAL, 0)));
      } catch (SnmfException e) {
        refused++;
        assertTrue(e.getMessage().contains("mutated.onnx"), e.getMessage());
      } catch (RuntimeException | Error e) {
        fail("seed " + seed, e);
      }
    }
    assertTrue(refused > MUTATIONS / 20, "only " + refused + " were refused");
  }
}
