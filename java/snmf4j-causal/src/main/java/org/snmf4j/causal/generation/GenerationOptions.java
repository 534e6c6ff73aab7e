package org.snmf4j.causal.generation;

import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.ProgressListener;

/**
 * How to generate. Greedy by default: the most probable token every time. {@link
 * Builder#sampled()}, a temperature, top-k, top-p or several samples ask for sampling, whose steps
 * are, in this order:
 *
 * <ol>
 *   <li>frequency penalty (for greedy generation as well): a token's logit falls by the penalty for
 *       every time that it was generated already; the prompt does not count
 *   <li>temperature: logits are divided by it
 *   <li>top-k: only the k largest logits stay; of equal ones those with the smaller ids
 *   <li>top-p: of the tokens left, only the most probable whose probabilities first sum to p stay
 *   <li>one of the tokens left is drawn by its probability
 * </ol>
 *
 * <p>Immutable.
 */
public final class GenerationOptions {
  /** All defaults: greedy, 50 tokens. */
  public static final GenerationOptions DEFAULT = builder().build();

  private final int maxNewTokens;
  private final boolean sampling;
  private final double temperature;
  private final int topK;
  private final double topP;
  private final double frequencyPenalty;
  private final long seed;
  private final int samples;
  private final int maxParallel;
  private final int[] stopIds;
  private final TokenListener listener;
  private final ProgressListener progress;
  private final BooleanSupplier cancelled;

  private GenerationOptions(Builder builder, boolean sampling) {
    this.sampling = sampling;
    maxNewTokens = builder.maxNewTokens;
    temperature = builder.temperature;
    topK = builder.topK;
    topP = builder.topP;
    frequencyPenalty = builder.frequencyPenalty;
    seed = builder.seed;
    samples = builder.samples;
    maxParallel = builder.maxParallel;
    stopIds = builder.stopIds;
    listener = builder.listener;
    progress = builder.progress;
    cancelled = builder.cancelled;
  }

  /** Starts from all defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Most tokens after a prompt. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** Whether tokens are drawn instead of taking the most probable one. */
  public boolean isSampling() {
    return sampling;
  }

  /** What logits are divided by. */
  public double temperature() {
    return temperature;
  }

  /** How many tokens may be drawn; {@code Integer.MAX_VALUE} if all. */
  public int topK() {
    return topK;
  }

  /** Probability of the tokens that may be drawn; 1 if all. */
  public double topP() {
    return topP;
  }

  /** What a token's logit loses for every time that it was generated. */
  public double frequencyPenalty() {
    return frequencyPenalty;
  }

  /** Where the random numbers start. */
  public long seed() {
    return seed;
  }

  /** Sequences per prompt. */
  public int samples() {
    return samples;
  }

  /** Most sequences that run side by side. */
  public int maxParallel() {
    return maxParallel;
  }

  /** A copy of the ids that end a text, if the caller gave them. */
  public Optional<int[]> stopIds() {
    return Optional.ofNullable(stopIds).map(int[]::clone);
  }

  TokenListener listener() {
    return listener;
  }

  ProgressListener progress() {
    return progress;
  }

  BooleanSupplier cancelled() {
    return cancelled;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private int maxNewTokens = 50;
    private boolean greedy;
    private boolean sampled;
    private double temperature = 1;
    private int topK = Integer.MAX_VALUE;
    private double topP = 1;
    private double frequencyPenalty;
    private long seed;
    private int samples = 1;
    private int maxParallel = 32;
    private int[] stopIds;
    private TokenListener listener = (sequence, id, text) -> {};
    private ProgressListener progress = (done, total) -> {};
    private BooleanSupplier cancelled = () -> false;

    private Builder() {}

    /** Most tokens after a prompt, at least 1; 50 by default. */
    public Builder maxNewTokens(int count) {
      maxNewTokens = atLeastOne("maxNewTokens", count);
      return this;
    }

    /** Takes the most probable token every time, of equal ones that with the smallest id. */
    public Builder greedy() {
      greedy = true;
      return this;
    }

    /** Draws tokens, with temperature 1 unless another is given. */
    public Builder sampled() {
      sampled = true;
      return this;
    }

    /** What logits are divided by, above 0; 1 by default. Asks for sampling. */
    public Builder temperature(double value) {
      if (!(value > 0) || Double.isInfinite(value)) {
        throw new InvalidArgumentException("temperature", value, "above 0 and finite");
      }
      temperature = value;
      return sampled();
    }

    /** How many tokens may be drawn, at least 1; all by default. Asks for sampling. */
    public Builder topK(int count) {
      topK = atLeastOne("topK", count);
      return sampled();
    }

    /**
     * Probability of the tokens that may be drawn, above 0 to 1; 1 by default. Asks for sampling.
     */
    public Builder topP(double probability) {
      if (!(probability > 0 && probability <= 1)) {
        throw new InvalidArgumentException("topP", probability, "above 0 and at most 1");
      }
      topP = probability;
      return sampled();
    }

    /** What a token's logit loses for every time that it was generated; 0 by default. */
    public Builder frequencyPenalty(double penalty) {
      if (!Double.isFinite(penalty)) {
        throw new InvalidArgumentException("frequencyPenalty", penalty, "finite");
      }
      frequencyPenalty = penalty;
      return this;
    }

    /**
     * Where the random numbers start; 0 by default. Sample s of every prompt has a stream of its
     * own that starts at seed + s: what is drawn does not depend on what runs beside it, and a
     * single sample with seed + s is sample s.
     */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Sequences per prompt, at least 1; 1 by default. More ask for sampling. */
    public Builder samples(int count) {
      samples = atLeastOne("samples", count);
      return this;
    }

    /**
     * Most sequences that run side by side, at least 1; 32 by default. Each has a key/value cache
     * in memory meanwhile.
     */
    public Builder maxParallel(int sequences) {
      maxParallel = atLeastOne("maxParallel", sequences);
      return this;
    }

    /**
     * Tokens that end a text; none if empty. By default those that the tokenizer or the model knows
     * as such, and none without a tokenizer.
     */
    public Builder stopIds(int... ids) {
      stopIds = ids.clone();
      return this;
    }

    /** Who hears of every token; nobody by default. */
    public Builder listener(TokenListener hears) {
      listener = Objects.requireNonNull(hears, "listener");
      return this;
    }

    /** Who hears how many sequences are finished; nobody by default. */
    public Builder progress(ProgressListener hears) {
      progress = Objects.requireNonNull(hears, "progress");
      return this;
    }

    /** Asked before every token; once it says true, a CancelledException ends the generation. */
    public Builder cancellation(BooleanSupplier requested) {
      cancelled = Objects.requireNonNull(requested, "cancellation");
      return this;
    }

    /**
     * The options collected.
     *
     * @throws InvalidArgumentException if both greedy generation and sampling are asked for
     */
    public GenerationOptions build() {
      boolean sampling = sampled || samples > 1;
      if (greedy && sampling) {
        throw new InvalidArgumentException(
            "greedy",
            "given with a temperature, topK, topP or several samples",
            "given without them: it always takes the most probable token");
      }
      return new GenerationOptions(this, sampling);
    }

    private static int atLeastOne(String name, int value) {
      if (value < 1) {
        throw new InvalidArgumentException(name, value, "at least 1");
      }
      return value;
    }
  }

  @Override
  public String toString() {
    return (sampling
            ? "sampled, temperature "
                + temperature
                + (topK < Integer.MAX_VALUE ? ", top-k " + topK : "")
                + (topP < 1 ? ", top-p " + topP : "")
                + ", seed "
                + seed
            : "greedy")
        + (frequencyPenalty == 0 ? "" : ", frequency penalty " + frequencyPenalty)
        + ", at most "
        + maxNewTokens
        + " tokens"
        + (stopIds == null ? "" : ", ended by " + Arrays.toString(stopIds));
  }
}
