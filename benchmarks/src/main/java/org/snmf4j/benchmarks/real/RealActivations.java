package org.snmf4j.benchmarks.real;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.snmf4j.cli.demo.DemoData;
import org.snmf4j.cli.demo.DemoModel;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.ModelSource;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.EncodedText;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Makes the real activations that the measurements use: MLP activations of all-minilm-l6-v2 (d =
 * 1536) on the demo's sentences and on public text, as two activation stores.
 *
 * <ul>
 *   <li>{@code shipped}: all tokens of the demo's labelled sentences
 *   <li>{@code mixed}: the same, and tokens of the public text drawn with a seed until there are as
 *       many as asked for. The sentences are drawn first, from the whole text, until they have
 *       twice the tokens needed; then tokens are drawn from those, each with its sentence as
 *       context. These carry no label.
 * </ul>
 */
@Command(
    name = "real-activations",
    description = "Extracts MiniLM's MLP activations on the demo's sentences and on public text.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class RealActivations implements Callable<Integer> {
  /** Name of the store of the demo's sentences. */
  static final String SHIPPED = "shipped";

  /** Name of the store of tokens from both sources. */
  static final String MIXED = "mixed";

  /** Tokens of the drawn sentences for each token to be drawn from them. */
  private static final int POOL = 2;

  @Option(
      names = "--text",
      required = true,
      paramLabel = "DIR",
      description = "Directory of .txt files; benchmarks/bin/fetch-text prints one.")
  private Path text;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      defaultValue = "benchmarks/target/real",
      description = "Directory to write the stores to.")
  private Path output;

  @Option(names = "--tokens", paramLabel = "N", defaultValue = "40000", description = "Mixed n.")
  private int tokens;

  @Option(names = "--layers", paramLabel = "L", split = ",", defaultValue = "0,3,5")
  private List<Integer> layers;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "0")
  private long seed;

  @Option(names = "--npy", description = "Write every matrix as .npy, d by n, too.")
  private boolean npy;

  /** The command. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new RealActivations()).execute(arguments));
  }

  @Override
  public Integer call() {
    try {
      Files.createDirectories(output);
    } catch (IOException e) {
      throw new FileAccessException("write", output, e);
    }
    DemoModel minilm = DemoModel.unpack(output.resolve("minilm"));
    DataSet shipped = DataSet.read(DemoData.write(output));
    PublicText found = PublicText.read(text);
    System.out.printf(
        "text: %,d bytes in %d files, %d sentences%n",
        found.bytes(), found.files(), found.sentences().size());
    try (OnnxModel model = OnnxModel.open(minilm.model());
        TextTokenizer tokenizer = TextTokenizer.open(minilm.tokenizer())) {
      Random random = new Random(seed);
      int own = count(shipped, tokenizer);
      if (tokens < own) {
        throw new InvalidArgumentException("tokens", tokens, "at least the demo's " + own);
      }
      int limit = model.contextLength().orElse(Integer.MAX_VALUE);
      List<DataSet.Sentence> sentences = new ArrayList<>(shipped.sentences());
      sentences.addAll(draw(found, (tokens - own) * POOL, limit, tokenizer, random));
      try (Activations activations =
          Extractor.builder(model)
              .text(DataSet.of(sentences), tokenizer)
              .layers(layers)
              .build()
              .extract()) {
        ModelSource source = ModelSource.of(model.file());
        BitSet chosen = new BitSet();
        chosen.set(0, own);
        write(TokenSample.write(output.resolve(SHIPPED), source, activations, chosen));
        add(chosen, own, activations.tokens(), random);
        write(TokenSample.write(output.resolve(MIXED), source, activations, chosen));
      }
    }
    return 0;
  }

  /** Tokens of a data set, special ones aside. */
  private static int count(DataSet data, TextTokenizer tokenizer) {
    return data.sentences().stream()
        .mapToInt(sentence -> content(tokenizer.encode(sentence.text())))
        .sum();
  }

  private static int content(EncodedText encoded) {
    int count = 0;
    for (boolean special : encoded.special()) {
      count += special ? 0 : 1;
    }
    return count;
  }

  /** Sentences that fit the model's context, until they have {@code wanted} tokens. */
  private static List<DataSet.Sentence> draw(
      PublicText text, int wanted, int limit, TextTokenizer tokenizer, Random random) {
    List<String> shuffled = new ArrayList<>(text.sentences());
    Collections.shuffle(shuffled, random);
    List<DataSet.Sentence> drawn = new ArrayList<>();
    int count = 0;
    int tooLong = 0;
    for (String sentence : shuffled) {
      if (count >= wanted) {
        System.out.printf(
            "drawn: %d sentences of %d tokens; %d do not fit the context of %d%n",
            drawn.size(), count, tooLong, limit);
        return drawn;
      }
      EncodedText encoded = tokenizer.encode(sentence);
      if (encoded.size() > limit) {
        tooLong++;
      } else if (content(encoded) > 0) {
        count += content(encoded);
        drawn.add(new DataSet.Sentence(sentence, null));
      }
    }
    throw new InvalidArgumentException("tokens of the text", count, "at least " + wanted);
  }

  /** Draws tokens from {@code first} on, without replacement. */
  private void add(BitSet chosen, int first, TokenTable table, Random random) {
    Integer[] candidates = new Integer[table.size() - first];
    Arrays.setAll(candidates, i -> first + i);
    List<Integer> shuffled = Arrays.asList(candidates);
    Collections.shuffle(shuffled, random);
    shuffled.subList(0, tokens - first).forEach(chosen::set);
  }

  private void write(ActivationStore store) {
    TokenTable table = store.tokens();
    System.out.printf(
        "%s: %d tokens of %d sentences, layers %s%n",
        store.directory(), table.size(), table.sentences().size(), layers);
    if (npy) {
      store.exportNpy(store.directory()).forEach(System.out::println);
    }
  }
}
