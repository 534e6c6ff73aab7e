package org.snmf4j.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
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
import org.snmf4j.benchmarks.Pairs;
import org.snmf4j.benchmarks.Stories15m;
import org.snmf4j.cli.demo.DemoData;
import org.snmf4j.cli.demo.DemoModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.GraphEditor;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * MLP activations of one layer, each time between two plain runs, which open a session of the same
 * cut graph, run the same batches of token ids and leave the outputs where they are. Also prints
 * how long opening alone takes, and what share the cut graph costs of the model up to the end of
 * its last block, both sessions open.
 *
 * <p>In the extractor's package, to make the same batches.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3)
@Measurement(iterations = 9)
@Fork(value = 1, jvmArgsAppend = "-XX:MaxDirectMemorySize=4g")
public class ExtractionBenchmark {
  private static final int MAX_BATCH_TOKENS = 2048;

  @Param({"stories15m", "minilm"})
  String model;

  @Param({"0", "1", "2", "3", "4", "5"})
  int layer;

  /** What the extractor is given; from text it tokenizes as well. */
  @Param("ids")
  String input;

  /** Whether the plain runs leave their outputs where they are, or keep them as arrays. */
  @Param("dropped")
  String outputs;

  /** Whether the extractor leaves the activations in memory, or hands them on and forgets them. */
  @Param({"memory", "consumer"})
  String target;

  /** How often the demo's sentences, some 10 000 tokens, are run. */
  @Param("4")
  int copies;

  private OnnxModel onnx;
  private TextTokenizer tokenizer;
  private DataSet text;
  private long[][] ids;
  private List<TokenBatch> batches;
  private int tokens;
  private byte[] cut;
  private Pairs pairs;

  /** Opens the model and makes the batches. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    if (!input.equals("ids") && !input.equals("text")) {
      throw new IllegalArgumentException("input is " + input + " but must be ids or text");
    }
    if (!target.equals("memory") && !target.equals("consumer")) {
      throw new IllegalArgumentException("target is " + target + " but must be memory or consumer");
    }
    if (!outputs.equals("dropped") && !outputs.equals("kept")) {
      throw new IllegalArgumentException("outputs is " + outputs + " but must be dropped or kept");
    }
    Path directory = Files.createTempDirectory("snmf4j-benchmark");
    boolean own = model.equals("stories15m");
    DemoModel demo = own ? null : DemoModel.unpack(directory);
    onnx = OnnxModel.open(own ? Stories15m.model() : demo.model());
    tokenizer = TextTokenizer.open(own ? Stories15m.tokenizer() : demo.tokenizer());
    List<DataSet.Sentence> sentences = new ArrayList<>();
    for (int i = 0; i < copies; i++) {
      sentences.addAll(DataSet.read(DemoData.write(directory)).sentences());
    }
    text = DataSet.of(sentences);
    SequenceBuilder builder =
        new SequenceBuilder(onnx.contextLength(), false, onnx.vocabularySize());
    sentences.forEach(sentence -> builder.addText(sentence, tokenizer));
    ids =
        builder.sequences().stream()
            .map(sequence -> Arrays.stream(sequence.ids()).asLongStream().toArray())
            .toArray(long[][]::new);
    tokens = Arrays.stream(ids).mapToInt(sequence -> sequence.length).sum();
    batches =
        new Batcher(MAX_BATCH_TOKENS, OptionalInt.empty(), OptionalInt.empty(), true)
            .batches(builder.sequences());
    cut = bytes(Site.MLP, layer);
    pairs =
        new Pairs(
            () -> {
              try (OrtSession session = session(cut)) {
                run(session);
              } catch (OrtException e) {
                throw new IllegalStateException(e);
              }
            });
  }

  private byte[] bytes(Site site, int at) {
    return GraphEditor.cut(onnx.graph(), List.of(onnx.siteTensor(site, at))).toByteArray();
  }

  private static OrtSession session(byte[] graph) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      return OrtEnvironment.getEnvironment().createSession(graph, options);
    }
  }

  private List<FloatBuffer> run(OrtSession session) throws OrtException {
    List<FloatBuffer> kept = new ArrayList<>();
    SessionInputs inputs =
        SessionInputs.of(onnx.file(), session.getInputInfo(), onnx.graph().tokenInput());
    for (TokenBatch batch : batches) {
      Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
      inputs.fill(OrtEnvironment.getEnvironment(), batch, feeds);
      try (OrtSession.Result result = session.run(feeds)) {
        OnnxTensor output = (OnnxTensor) result.get(0);
        if (outputs.equals("kept")) {
          kept.add(output.getFloatBuffer());
        }
      } finally {
        feeds.values().forEach(OnnxTensor::close);
      }
    }
    return kept;
  }

  /** The first plain run. */
  @Setup(Level.Iteration)
  public void before() {
    pairs.begin();
  }

  /** The whole extraction. */
  @Benchmark
  public int extract() {
    Extractor.Builder builder =
        Extractor.builder(onnx).layers(List.of(layer)).maxBatchTokens(MAX_BATCH_TOKENS);
    if (input.equals("text")) {
      builder.text(text, tokenizer);
    } else {
      builder.tokenIds(ids, null);
    }
    if (target.equals("consumer")) {
      int[] taken = new int[1];
      builder.build().extractTo(block -> taken[0] += block.values().remaining());
      return taken[0];
    }
    try (Activations activations = builder.build().extract()) {
      return activations.tokens().size();
    }
  }

  /** The second plain run. */
  @TearDown(Level.Iteration)
  public void after(IterationParams iteration) {
    pairs.end(iteration.getType() == IterationType.MEASUREMENT);
  }

  /** Prints the tokens per second and frees everything. */
  @TearDown(Level.Trial)
  public void close() throws OrtException {
    long begin = System.nanoTime();
    try (OrtSession part = session(cut)) {
      double opening = (System.nanoTime() - begin) * 1e-6;
      System.out.printf(
          "%n# %s, layer %d, from %s to %s: %d tokens in %d batches, opening %.0f ms; plain, outputs %s, %.0f tokens/s,"
              + " extracted %.0f tokens/s, extracted / plain time %s; of the whole model %.3f, where"
              + " (l + 1) / L is %.3f%n",
          model,
          layer,
          input,
          target,
          tokens,
          batches.size(),
          opening,
          outputs,
          tokens / pairs.baseSeconds(),
          tokens / pairs.seconds(),
          pairs.ratio(),
          share(part),
          (layer + 1.0) / onnx.layers());
    }
    tokenizer.close();
    onnx.close();
  }

  /** Time of the cut graph over that of the whole model without its head. */
  private double share(OrtSession part) throws OrtException {
    try (OrtSession whole = session(bytes(Site.RESIDUAL, onnx.layers() - 1))) {
      Pairs shares =
          new Pairs(
              () -> {
                try {
                  run(whole);
                } catch (OrtException e) {
                  throw new IllegalStateException(e);
                }
              });
      for (int i = 0; i < 5; i++) {
        shares.begin();
        run(part);
        shares.end(i > 0);
      }
      return shares.seconds() / shares.baseSeconds();
    }
  }
}
