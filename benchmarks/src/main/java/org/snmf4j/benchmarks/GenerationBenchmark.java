package org.snmf4j.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.generation.Generator;
import org.snmf4j.onnx.OnnxModel;

/**
 * Several sequences of stories15M side by side, with its key/value cache, each time between two
 * runs of one sequence alone; what the tokens per second of the former are of the latter's is
 * printed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5)
@Measurement(iterations = 20)
@Fork(1)
public class GenerationBenchmark {
  /** BOS, "Once upon a time". */
  private static final int[] PROMPT = {1, 9038, 2501, 263, 931};

  /** Sequences that run side by side. */
  @Param({"8", "32"})
  int sequences;

  /** New tokens of each. */
  @Param("200")
  int tokens;

  /** Sampled with temperature 0.8, top-k 40 and top-p 0.95, or greedy. */
  @Param({"false", "true"})
  boolean sampled;

  private OnnxModel onnx;
  private CausalModel model;
  private Pairs pairs;

  /** Opens the model. */
  @Setup(Level.Trial)
  public void open() {
    onnx = OnnxModel.open(Stories15m.model());
    model = CausalModel.open(onnx);
    pairs = new Pairs(() -> generate(1));
  }

  private List<Generation> generate(int count) {
    GenerationOptions.Builder options =
        GenerationOptions.builder().maxNewTokens(tokens).maxParallel(count).stopIds();
    if (sampled) {
      options.temperature(0.8).topK(40).topP(0.95).seed(0);
    }
    int[][] prompts = new int[count][];
    Arrays.fill(prompts, PROMPT);
    return Generator.of(model, options.build()).continueIds(prompts, Steering.NONE);
  }

  /** One sequence, first. */
  @Setup(Level.Iteration)
  public void before() {
    pairs.begin();
  }

  /** All sequences, from their prompts on. */
  @Benchmark
  public List<Generation> parallel() {
    return generate(sequences);
  }

  /** One sequence again. */
  @TearDown(Level.Iteration)
  public void after(IterationParams iteration) {
    pairs.end(iteration.getType() == IterationType.MEASUREMENT);
  }

  /** Prints the tokens per second and frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    double one = tokens / pairs.baseSeconds();
    double all = sequences * tokens / pairs.seconds();
    System.out.printf(
        "%n# %s: 1 sequence %.0f tokens/s, %d sequences %.0f tokens/s, %.2f x%n",
        sampled ? "sampled" : "greedy", one, sequences, all, all / one);
    model.close();
    onnx.close();
  }
}
