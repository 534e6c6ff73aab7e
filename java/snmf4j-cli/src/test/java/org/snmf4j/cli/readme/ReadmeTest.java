package org.snmf4j.cli.readme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.SnmfModel;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.Matrix;

/** What the README shows is what is compiled and run here. */
class ReadmeTest {
  private static final Path ROOT = Path.of("../..");

  @TempDir Path directory;

  @Test
  void theExampleInTheReadmeIsTheOneThatIsCompiled() throws IOException {
    String source = Files.readString(Path.of("src/test/java/org/snmf4j/cli/readme/Decompose.java"));
    Matcher block =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(ROOT.resolve("README.md")));
    assertTrue(block.find(), "README.md has no Java example");
    assertEquals(source.substring(source.indexOf("import ")), block.group(1));
  }

  @Test
  void theExampleRuns() {
    Random random = new Random(1);
    float[][] values = new float[20][50];
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    Path input = directory.resolve("A.npy");
    Path output = directory.resolve("model.safetensors");
    try (Matrix matrix = Matrix.of(values)) {
      NpyFile.write(input, matrix);
    }
    Decompose.main(new String[] {input.toString(), output.toString()});
    try (SnmfModel model = SnmfModel.load(output)) {
      assertEquals(3, model.rank());
      assertEquals(50, model.tokens());
    }
  }

  @Test
  void everyFileThatTheDocumentsLinkToExists() throws IOException {
    for (String document : new String[] {"README.md", "CONTRIBUTING.md"}) {
      Matcher link =
          Pattern.compile("\\]\\((?!https?:)([^)#]+)")
              .matcher(Files.readString(ROOT.resolve(document)));
      int links = 0;
      while (link.find()) {
        assertTrue(
            Files.exists(ROOT.resolve(link.group(1))), document + " links to " + link.group(1));
        links++;
      }
      assertTrue(links > 0, document + " links to nothing");
    }
  }
}
