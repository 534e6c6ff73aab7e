package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.NpyFile;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** What a model is to continue: texts, or token ids. */
final class PromptOptions {
  @Option(
      names = "--tokenizer",
      paramLabel = "T.json",
      description =
          "The model's tokenizer: a Hugging Face tokenizer.json. Needed for --prompt; with"
              + " --token-ids it gives the results a text.")
  private Path tokenizer;

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  private static final class Source {
    @Option(
        names = "--prompt",
        required = true,
        paramLabel = "TEXT",
        description = "A text to continue. Repeatable.")
    private List<String> prompts;

    @Option(
        names = "--token-ids",
        required = true,
        paramLabel = "ids.npy",
        description = "Prompts tokenized elsewhere: integers [prompts, length].")
    private Path ids;
  }

  /**
   * Opens the tokenizer; null if there is none.
   *
   * @throws InvalidArgumentException if texts need one
   */
  TextTokenizer openTokenizer() {
    if (tokenizer == null && source.prompts != null) {
      throw new InvalidArgumentException("--tokenizer", "missing", "given with --prompt");
    }
    return tokenizer == null ? null : TextTokenizer.open(tokenizer);
  }

  /**
   * The prompts' token ids.
   *
   * @param open what {@link #openTokenizer} gave
   */
  int[][] ids(TextTokenizer open) {
    if (source.prompts != null) {
      return source.prompts.stream().map(open::encodePrompt).toArray(int[][]::new);
    }
    return Arrays.stream(NpyFile.readIntegers(source.ids))
        .map(row -> Arrays.stream(row).mapToInt(PromptOptions::id).toArray())
        .toArray(int[][]::new);
  }

  private static int id(long value) {
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw new InvalidArgumentException("token id", value, "between 0 and " + Integer.MAX_VALUE);
    }
    return (int) value;
  }
}
