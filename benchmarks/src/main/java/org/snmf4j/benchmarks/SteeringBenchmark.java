package org.snmf4j.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
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
import org.snmf4j.causal.Direction;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.generation.Generator;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;

/**
 * Greedy generation with stories15M under a steering of its MLPs, each time between two runs of the
 * same length with the model as it is; their ratio is printed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 5)
@Measurement(iterations = 40)
@Fork(1)
public class SteeringBenchmark {
  /** BOS, "Once upon a time". */
  private static final int[] PROMPT = {1, 9038, 2501, 263, 931};

  /** Steered layers, separated by semicolons. */
  @Param({"3", "0;1;2;3;4;5"})
  String layers;

  /** Sequences that run side by side. */
  @Param({"1", "8"})
  int sequences;

  /** New tokens of each. */
  @Param("100")
  int tokens;

  private OnnxModel onnx;
  private CausalModel plain;
  private CausalModel steerable;
  private Steering steering;
  private Pairs pairs;

  /** Opens the model twice. */
  @Setup(Level.Trial)
  public void open() {
    int[] chosen = Arrays.stream(layers.split(";")).mapToInt(Integer::parseInt).toArray();
    onnx = OnnxModel.open(Stories15m.model());
    plain = CausalModel.open(onnx);
    steerable = CausalModel.builder(onnx).steerable(Site.MLP, chosen).open();
    Random random = new Random(0);
    float[] vector = new float[(int) onnx.graph().layers().get(0).downProjection().neurons()];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    steering = Steering.add(Direction.of("random", Site.MLP, vector).unit(), 2, chosen);
    pairs = new Pairs(() -> generate(plain, Steering.NONE));
  }

  private List<Generation> generate(CausalModel model, Steering change) {
    int[][] prompts = new int[sequences][];
    Arrays.fill(prompts, PROMPT);
    GenerationOptions options =
        GenerationOptions.builder().maxNewTokens(tokens).maxParallel(sequences).stopIds().build();
    return Generator.of(model, options).continueIds(prompts, change);
  }

  /** The first unsteered run. */
  @Setup(Level.Iteration)
  public void before() {
    pairs.begin();
  }

  /** All sequences, from their prompts on. */
  @Benchmark
  public List<Generation> steered() {
    return generate(steerable, steering);
  }

  /** The second unsteered run. */
  @TearDown(Level.Iteration)
  public void after(IterationParams iteration) {
    pairs.end(iteration.getType() == IterationType.MEASUREMENT);
  }

  /** Prints the ratio and frees everything. */
  @TearDown(Level.Trial)
  public void close() {
    System.out.printf(
        "%n# %d sequences, layers %s: plain %.0f tokens/s, steered %.0f tokens/s,"
            + " steered / plain time %s%n",
        sequences,
        layers,
        sequences * tokens / pairs.baseSeconds(),
        sequences * tokens / pairs.seconds(),
        pairs.ratio());
    plain.close();
    steerable.close();
    onnx.close();
  }
}
