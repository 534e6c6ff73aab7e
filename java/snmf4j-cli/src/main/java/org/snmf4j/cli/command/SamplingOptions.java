package org.snmf4j.cli.command;

import org.snmf4j.causal.generation.GenerationOptions;
import picocli.CommandLine.Option;

/** How the next tokens are chosen. Greedy unless one of the options for sampling is given. */
final class SamplingOptions {
  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "50",
      description = "Most tokens after a prompt (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(names = "--greedy", description = "Take the most probable token every time: the default.")
  private boolean greedy;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Draw so many continuations of each prompt.")
  private Integer samples;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Draw, logits divided by T (default: 1).")
  private Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Draw from the K most probable tokens only.")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw from the fewest tokens whose probabilities sum to P only.")
  private Double topP;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "F",
      description = "A token's logit falls by F for every time that it was generated (default: 0).")
  private Double frequencyPenalty;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Where the random numbers start (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--stop-id",
      split = ",",
      paramLabel = "ID",
      description =
          "Token ids that end a text (default: what the tokenizer or the model calls the end of a"
              + " text; none without a tokenizer).")
  private int[] stopIds;

  /**
   * The options so far.
   *
   * @throws org.snmf4j.error.InvalidArgumentException if one is out of range or contradicts another
   */
  GenerationOptions.Builder builder() {
    GenerationOptions.Builder builder =
        GenerationOptions.builder().maxNewTokens(maxNewTokens).seed(seed);
    if (greedy) {
      builder.greedy();
    }
    if (samples != null) {
      builder.samples(samples);
    }
    if (temperature != null) {
      builder.temperature(temperature);
    }
    if (topK != null) {
      builder.topK(topK);
    }
    if (topP != null) {
      builder.topP(topP);
    }
    if (frequencyPenalty != null) {
      builder.frequencyPenalty(frequencyPenalty);
    }
    if (stopIds != null) {
      builder.stopIds(stopIds);
    }
    return builder;
  }
}
