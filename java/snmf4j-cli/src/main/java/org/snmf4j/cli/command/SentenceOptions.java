package org.snmf4j.cli.command;

import java.nio.file.Path;
import org.snmf4j.io.NpyFile;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The sentences to extract from: text with a tokenizer, or token ids. */
final class SentenceOptions {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  private static final class Source {
    @ArgGroup(exclusive = false, multiplicity = "1")
    private Text text;

    @ArgGroup(exclusive = false, multiplicity = "1")
    private Ids ids;
  }

  private static final class Text {
    @Option(
        names = "--tokenizer",
        required = true,
        paramLabel = "T.json",
        description = "The model's tokenizer: a Hugging Face tokenizer.json.")
    private Path tokenizer;

    @Option(
        names = "--data",
        required = true,
        paramLabel = "DATA",
        description =
            "Sentences: .json (a list of {prompt|text, label}, or a map from label to prompts),"
                + " .csv (columns prompt[, label]) or .txt (one per line).")
    private Path data;
  }

  private static final class Ids {
    @Option(
        names = "--token-ids",
        required = true,
        paramLabel = "ids.npy",
        description = "Sentences tokenized elsewhere: integers [sentences, length].")
    private Path ids;

    @Option(
        names = "--attention-mask",
        paramLabel = "mask.npy",
        description = "1 for tokens, 0 for padding; of the same shape (default: no padding).")
    private Path mask;
  }

  /** Adds the sentences to {@code builder}; the tokenizer, if any, is the caller's to close. */
  TextTokenizer addTo(Extractor.Builder builder) {
    if (source.text == null) {
      builder.tokenIds(
          NpyFile.readIntegers(source.ids.ids),
          source.ids.mask == null ? null : NpyFile.readIntegers(source.ids.mask));
      return null;
    }
    DataSet sentences = DataSet.read(source.text.data);
    TextTokenizer tokenizer = TextTokenizer.open(source.text.tokenizer);
    builder.text(sentences, tokenizer);
    return tokenizer;
  }
}
