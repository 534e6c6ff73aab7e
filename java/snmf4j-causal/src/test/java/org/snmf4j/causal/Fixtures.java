package org.snmf4j.causal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;

/** Exported models with what the original models computed. */
public final class Fixtures {
  /** Tokens of all of them. */
  public static final int VOCABULARY = 97;

  private Fixtures() {}

  /** Path of an exported model. */
  public static Path file(String name) {
    return resource("models/" + name + ".onnx");
  }

  /** An exported model. */
  public static OnnxModel model(String name) {
    return OnnxModel.open(file(name));
  }

  /** A model with its cache, or without, that can be steered where its truth is. */
  public static CausalModel steerable(OnnxModel model, Truth truth, boolean useCache) {
    return CausalModel.builder(model).steerable(Site.MLP, truth.layer).useCache(useCache).open();
  }

  private static Path resource(String name) {
    try {
      return Path.of(Objects.requireNonNull(Fixtures.class.getResource("/" + name), name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(name, e);
    }
  }

  /** What the original of a model with a cache computed. */
  public static final class Truth {
    public final int[] prompt;
    public final int[] greedy;
    public final int[] greedySteered;
    public final double[] logits;
    public final double[] logitsSteered;
    public final double alpha;
    public final double kl;
    public final int layer;
    public final float[] vector;

    public Truth(String name) {
      try (SafeTensors tensors = SafeTensors.open(resource("models/" + name + ".safetensors"))) {
        prompt = ints(tensors.longs("prompt"));
        greedy = ints(tensors.longs("greedy"));
        greedySteered = ints(tensors.longs("greedy_steered"));
        logits = tensors.doubles("logits");
        logitsSteered = tensors.doubles("logits_steered");
        alpha = tensors.doubles("alpha")[0];
        kl = tensors.doubles("kl_last")[0];
        layer = (int) tensors.longs("layer")[0];
        double[] values = tensors.doubles("vector");
        vector = new float[values.length];
        for (int i = 0; i < vector.length; i++) {
          vector[i] = (float) values[i];
        }
      }
    }

    public Direction direction() {
      return Direction.of("truth", Site.MLP, vector);
    }

    public Steering steering() {
      return Steering.add(direction(), alpha, layer);
    }
  }

  public static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }

  /** All beginnings of a sequence. */
  public static int[][] prefixes(int[] sequence) {
    int[][] prefixes = new int[sequence.length][];
    for (int i = 0; i < prefixes.length; i++) {
      prefixes[i] = Arrays.copyOf(sequence, i + 1);
    }
    return prefixes;
  }

  /** Sequences of different lengths. */
  public static int[][] ragged(int count) {
    java.util.Random random = new java.util.Random(5);
    int[][] sequences = new int[count][];
    for (int i = 0; i < count; i++) {
      sequences[i] = random.ints(1 + (i * 3) % 7, 0, VOCABULARY).toArray();
    }
    return sequences;
  }

  /**
   * A byte-level tokenizer of 97 tokens: id 0 ends a text, 1 to 5 are the bytes of é and the first
   * three of an emoji's four, the others are printable ASCII.
   */
  public static Path tokenizer(Path directory) {
    StringBuilder vocabulary = new StringBuilder("\"</s>\": 0");
    String[] bytes = {"Ã", "©", "ð", "Ł", "ĺ"};
    for (int i = 0; i < bytes.length; i++) {
      vocabulary.append(", \"").append(bytes[i]).append("\": ").append(i + 1);
    }
    for (int id = 6; id < VOCABULARY; id++) {
      char c = (char) ('!' + id - 6);
      String shown = id == VOCABULARY - 1 ? "¢" : c == '"' || c == '\\' ? "\\" + c : "" + c;
      vocabulary.append(", \"").append(shown).append("\": ").append(id);
    }
    String json =
        "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\":"
            + " [{\"id\": 0, \"content\": \"</s>\", \"single_word\": false, \"lstrip\": false,"
            + " \"rstrip\": false, \"normalized\": false, \"special\": true}],"
            + " \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\","
            + " \"add_prefix_space\": false, \"trim_offsets\": false, \"use_regex\": false},"
            + " \"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\","
            + " \"add_prefix_space\": false, \"trim_offsets\": false, \"use_regex\": false},"
            + " \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null,"
            + " \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,"
            + " \"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,"
            + " \"vocab\": {"
            + vocabulary
            + "}, \"merges\": []}}";
    try {
      return Files.writeString(directory.resolve("tokenizer.json"), json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
