package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.Initialization;
import org.snmf4j.ModelStatistics;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Availability;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import org.snmf4j.cli.terminal.Interrupt;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;

class FitCommandTest {
  @TempDir Path directory;

  @Test
  void jsonTellsWhatTheLibraryDid() throws IOException {
    Path input = Planted.write(directory.resolve("A.npy"));
    Path start = Planted.write(directory.resolve("Y0.npy"), start());
    Path output = directory.resolve("model.safetensors");
    Run run =
        Run.of(
            "fit",
            "--input",
            input,
            "--rank",
            3,
            "--density",
            0.4,
            "--init-coefficients",
            start,
            "--iterations",
            20,
            "--patience",
            50,
            "--tolerance",
            0,
            "--seed",
            5,
            "--threads",
            1,
            "--backend",
            "java",
            "--solver",
            "multiplicative",
            "--output",
            output,
            "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals("", run.err());
    JsonNode facts = run.json();
    try (Matrix a = Matrix.of(Planted.activations());
        Matrix y = Matrix.of(start());
        SnmfModel expected =
            Snmf.fit(
                a,
                SnmfOptions.builder(3)
                    .solver(Solver.MULTIPLICATIVE)
                    .featureDensity(0.4)
                    .initialization(Initialization.coefficients(y))
                    .maxIterations(20)
                    .patience(50)
                    .tolerance(0)
                    .seed(5)
                    .threads(1)
                    .backend("java")
                    .build());
        SnmfModel written = SnmfModel.load(output)) {
      double[] losses = new double[facts.get("losses").size()];
      for (int i = 0; i < losses.length; i++) {
        losses[i] = facts.get("losses").get(i).doubleValue();
      }
      assertArrayEquals(expected.report().losses(), losses);
      assertEquals(20, facts.get("iterations").intValue());
      assertEquals(Arrays.stream(losses).min().orElseThrow(), facts.get("loss").doubleValue());
      assertEquals(
          expected.report().relativeLoss(), facts.get("relative_loss").doubleValue(), 1e-15);
      assertEquals("max_iterations", facts.get("stop_reason").textValue());
      assertTrue(facts.get("seconds").doubleValue() > 0);
      assertEquals("java", facts.get("backend").textValue());
      assertEquals("multiplicative", facts.get("solver").textValue());
      assertEquals("given", facts.get("initialization").textValue());
      assertEquals(3, facts.get("rank").intValue());
      assertEquals(0.4, facts.get("density").doubleValue());
      assertEquals(Planted.NEURONS, facts.get("neurons").intValue());
      assertEquals(Planted.TOKENS, facts.get("tokens").intValue());
      ModelStatistics statistics = expected.statistics();
      assertEquals(
          statistics.coefficientsPerToken(),
          facts.get("coefficients_per_token").doubleValue(),
          0.1);
      assertEquals(
          statistics.meanLargestCorrelation(),
          facts.get("mean_largest_correlation").doubleValue(),
          1e-6);
      assertEquals(statistics.deadFeatures(), facts.get("dead_features").intValue());
      assertEquals(
          statistics.meanSupportSize(), facts.get("mean_support_size").doubleValue(), 1e-9);
      assertEquals(5, facts.get("seed").intValue());
      assertEquals(1, facts.get("threads").intValue());
      assertEquals(output.toString(), facts.get("output").textValue());
      assertArrayEquals(expected.features().toArray()[0], written.features().toArray()[0], 1e-6);
    }
  }

  @Test
  void theFileHoldsBothFactorsByTheirContractedNames() {
    Path output = directory.resolve("model.safetensors");
    Run run = fit(output, "--rank", 3, "--density", 0.4);
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("relative loss"), run.out());
    assertTrue(run.out().contains("wrote " + output), run.out());
    try (SafeTensors tensors = SafeTensors.open(output)) {
      assertArrayEquals(new long[] {Planted.NEURONS, 3}, tensors.shape("features"));
      assertArrayEquals(new long[] {3, Planted.TOKENS}, tensors.shape("coefficients"));
    }
  }

  @ParameterizedTest
  @CsvSource({"random", "svd", "kmeans", "SVD"})
  void startsByName(String name) {
    Path output = directory.resolve("model.safetensors");
    Run run =
        fit(output, "--rank", 3, "--density", 0.4, "--init", name, "--iterations", 2, "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(
        name.toLowerCase(java.util.Locale.ROOT), run.json().get("initialization").textValue());
  }

  @Test
  void alternatingLeastSquaresTakesAPenalty() {
    Path output = directory.resolve("model.safetensors");
    Run run =
        fit(
            output,
            "--rank",
            3,
            "--density",
            0.4,
            "--solver",
            "als",
            "--coefficient-penalty",
            0.05,
            "--iterations",
            30,
            "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals("als", facts.get("solver").textValue());
    assertEquals("signsplit", facts.get("initialization").textValue());
    assertEquals(0.05, facts.get("coefficient_penalty").doubleValue());
    assertEquals(30, facts.get("losses").size());
    try (SnmfModel model = SnmfModel.load(output)) {
      assertEquals(0.05, model.report().coefficientPenalty());
    }
  }

  @ParameterizedTest
  @CsvSource({"fp32", "fp16", "BF16"})
  void activationsAreStoredInAPrecision(String name) {
    Path output = directory.resolve("model.safetensors");
    Run run = fit(output, "--rank", 3, "--density", 0.4, "--precision", name, "--json");
    assertEquals(0, run.status(), run.err());
    String lower = name.toLowerCase(java.util.Locale.ROOT);
    assertEquals(lower, run.json().get("precision").textValue());
    try (SnmfModel model = SnmfModel.load(output)) {
      assertEquals(lower, model.report().precision().toString());
    }
  }

  @Test
  void readsTensorsOfSafetensorsFiles() {
    Path first = directory.resolve("first.safetensors");
    assertEquals(0, fit(first, "--rank", 3, "--density", 1).status());
    Path second = directory.resolve("second.safetensors");
    Run run =
        Run.of(
            "fit",
            "--input",
            first + ":coefficients",
            "--rank",
            2,
            "--density",
            1,
            "--output",
            second,
            "--json");
    assertEquals(0, run.status(), run.err());
    assertEquals(3, run.json().get("neurons").intValue());
  }

  @Test
  void theSameSeedGivesTheSameBytes() throws IOException {
    Path first = directory.resolve("first.safetensors");
    Path second = directory.resolve("second.safetensors");
    for (Path output : new Path[] {first, second}) {
      assertEquals(0, fit(output, "--rank", 3, "--density", 0.4, "--seed", 9).status());
    }
    try (SnmfModel a = SnmfModel.load(first);
        SnmfModel b = SnmfModel.load(second)) {
      assertArrayEquals(a.features().toArray(), b.features().toArray());
      assertArrayEquals(a.coefficients().toArray(), b.coefficients().toArray());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"multiplicative", "als"})
  void theFitStopsAtTheTargetLoss(String solver) {
    Run run =
        fit(
            directory.resolve("model.safetensors"),
            "--rank",
            3,
            "--density",
            0.4,
            "--solver",
            solver,
            "--tolerance",
            0,
            "--target-loss",
            0.5,
            "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    assertEquals("target_loss", facts.get("stop_reason").textValue());
    assertTrue(facts.get("relative_loss").doubleValue() <= 0.5, run.out());
    assertTrue(facts.get("iterations").intValue() < 200, run.out());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.000001", "0.000001s", "PT0.000001S"})
  void theFitStopsAtTheTimeLimit(String limit) {
    Run run =
        fit(
            directory.resolve("model.safetensors"),
            "--rank",
            3,
            "--density",
            0.4,
            "--tolerance",
            0,
            "--time-limit",
            limit);
    assertEquals(0, run.status(), run.err());
    // One on the sample and one on all tokens.
    assertTrue(run.out().contains("2 iterations in "), run.out());
    assertTrue(run.out().contains("(time_limit)"), run.out());
  }

  @ParameterizedTest
  @CsvSource({"90, PT90S", "1.5, PT1.5S", "90s, PT90S", "5m, PT5M", "1h30m, PT1H30M", "P1D, P1D"})
  void timeSpansAreReadAsWritten(String text, Duration expected) {
    assertEquals(expected, new Converters.TimeSpan().convert(text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rank 0 | rank is 0 but must be at least 1",
        "--rank x | Invalid value for option '--rank': 'x' is not an int",
        "--rank 2 --density 0 | feature density is 0.0 but must be above 0 and at most 1",
        "--rank 2 --density 1.5 | feature density is 1.5 but must be above 0 and at most 1",
        "--rank 2 --density NaN | feature density is NaN but must be above 0 and at most 1",
        "--rank 2 --iterations 0 | max iterations is 0 but must be at least 1",
        "--rank 2 --patience 0 | patience is 0 but must be at least 1",
        "--rank 2 --tolerance -1 | tolerance is -1.0 but must be at least 0 and below 1",
        "--rank 2 --target-loss 0 | target loss is 0.0 but must be above 0 and below 1",
        "--rank 2 --target-loss 1 | target loss is 1.0 but must be above 0 and below 1",
        "--rank 2 --target-loss x | Invalid value for option '--target-loss': 'x' is not a double",
        "--rank 2 --time-limit 0 | time limit is PT0S but must be positive",
        "--rank 2 --time-limit -3s | time limit is PT-3S but must be positive",
        "--rank 2 --time-limit soon | 'soon' is no time span; write seconds, or units as in 90s",
        "--rank 2 --time-limit 1.2.3 | '1.2.3' is no time span",
        "--rank 2 --time-limit 9e9 | '9e9' is no time span",
        "--rank 2 --time-limit 99999999999999999999 | '99999999999999999999' is no time span",
        "--rank 2 --threads 0 | threads is 0 but must be between 1 and 1024",
        "--rank 2 --solver newton | Invalid value for option '--solver'",
        "--rank 2 --solver multiplicative --coefficient-penalty 0.1 | coefficient penalty is 0.1 but",
        "--rank 2 --solver als --coefficient-penalty -1 | coefficient penalty is -1.0 but must be",
        "--rank 2 --precision fp8 | Invalid value for option '--precision'",
        "--rank 2 --init magic | Invalid value for option '--init'",
        "--rank 2 --backend quantum | there is no backend 'quantum', only auto, ",
        "--rank 2 --init svd --init-coefficients Y0.npy | mutually exclusive",
        "--density 0.5 | Missing required option: '--rank=K'",
      })
  void whatTheCommandLineAloneGetsWrongIsAUsageError(String arguments, String message) {
    Path output = directory.resolve("model.safetensors");
    Run run = fit(output, (Object[]) arguments.split(" "));
    assertEquals(2, run.status(), run.err());
    assertOneLine(run, message);
    assertTrue(run.err().contains("(see 'snmf4j fit --help')"), run.err());
    assertFalse(Files.exists(output));
  }

  @Test
  void aForcedBackendThatCannotRunIsAFailureWithItsCause() throws IOException {
    String detail =
        Backends.providers().stream()
            .filter(provider -> provider.name().equals("cuda"))
            .map(BackendProvider::probe)
            .filter(availability -> !availability.available())
            .map(Availability::detail)
            .findFirst()
            .orElse(null);
    assumeTrue(detail != null, "NOT RUN: there is a GPU");
    Path output = directory.resolve("model.safetensors");
    Path input = Planted.write(directory.resolve("A.npy"));
    Run run = Run.of("fit", "--input", input, "--rank", 2, "--backend", "cuda", "--output", output);
    assertEquals(1, run.status(), run.err());
    assertOneLine(run, "backend cuda cannot run here: " + detail);
    assertFalse(Files.exists(output));
  }

  @Test
  void oneInputIsNeeded() {
    Run none = Run.of("fit", "--rank", 2, "--output", directory.resolve("x"));
    assertEquals(2, none.status());
    assertOneLine(none, "Missing required argument");
    Run both =
        Run.of(
            "fit",
            "--rank",
            2,
            "--input",
            "A.npy",
            "--activations",
            "dir",
            "--layer",
            0,
            "--output",
            directory.resolve("x"));
    assertEquals(2, both.status());
    assertOneLine(both, "mutually exclusive");
    Run noLayer =
        Run.of("fit", "--rank", 2, "--activations", "dir", "--output", directory.resolve("x"));
    assertEquals(2, noLayer.status());
    assertOneLine(noLayer, "--layer");
  }

  @Test
  void aMissingInputIsAFailureThatNamesIt() {
    Path missing = directory.resolve("missing.npy");
    Run run = Run.of("fit", "--input", missing, "--rank", 2, "--output", directory.resolve("x"));
    assertEquals(1, run.status());
    assertOneLine(run, "snmf4j fit: cannot read " + missing);
  }

  @Test
  void aRankBeyondTheDataIsAFailure() {
    Path output = directory.resolve("model.safetensors");
    Run run = fit(output, "--rank", 25);
    assertEquals(1, run.status());
    assertOneLine(run, "rank is 25 but must be between 1 and 24");
    assertFalse(Files.exists(output));
  }

  @Test
  void nanIsAFailureThatNamesItsPlace() {
    float[][] values = Planted.activations();
    values[3][5] = Float.NaN;
    Path input = Planted.write(directory.resolve("A.npy"), values);
    Path output = directory.resolve("model.safetensors");
    Run run = Run.of("fit", "--input", input, "--rank", 2, "--output", output, "--json");
    assertEquals(1, run.status());
    assertEquals("", run.out());
    assertOneLine(run, "NaN at row 3, column 5");
    assertFalse(Files.exists(output));
  }

  @Test
  void anOutputThatCannotBeWrittenIsAFailureBeforeTheWork() {
    Path output = directory.resolve("no/such/directory/model.safetensors");
    Run run = fit(output, "--rank", 2);
    assertEquals(1, run.status());
    assertOneLine(run, "cannot write " + output);
    Run onDirectory = fit(directory, "--rank", 2);
    assertEquals(1, onDirectory.status());
    assertOneLine(onDirectory, "is a directory");
  }

  @Test
  void aDirectoryThatTakesNoFilesIsAFailure() {
    // Whoever runs the tests, even root: nobody creates files in /proc.
    Run run = fit(Path.of("/proc/model.safetensors"), "--rank", 2, "--iterations", 1, "--json");
    assertEquals(1, run.status());
    assertEquals("", run.out());
    assertOneLine(run, "snmf4j fit: cannot write /proc/model.safetensors: ");
  }

  @Test
  void aCancelledFitLeavesTheOutputAsItWas() throws IOException {
    Path output = directory.resolve("model.safetensors");
    Path input = Planted.write(directory.resolve("A.npy"));
    Files.writeString(output, "the old model");
    Interrupt interrupt = new Interrupt();
    interrupt.request();
    Run run = Run.of(interrupt, "fit", "--input", input, "--rank", 2, "--output", output, "--json");
    assertEquals(1, run.status());
    assertEquals("", run.out());
    assertOneLine(run, "snmf4j fit: cancelled; nothing was written");
    assertEquals("the old model", Files.readString(output));
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(2, files.count());
    }
  }

  private Run fit(Path output, Object... more) {
    Object[] arguments = new Object[5 + more.length];
    arguments[0] = "fit";
    arguments[1] = "--input";
    arguments[2] = Planted.write(directory.resolve("A.npy"));
    arguments[3] = "--output";
    arguments[4] = output;
    System.arraycopy(more, 0, arguments, 5, more.length);
    return Run.of(arguments);
  }

  private static float[][] start() {
    Random random = new Random(3);
    float[][] values = new float[3][Planted.TOKENS];
    for (float[] row : values) {
      for (int i = 0; i < row.length; i++) {
        row[i] = random.nextFloat();
      }
    }
    return values;
  }

  private static void assertOneLine(Run run, String part) {
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains(part), run.err());
  }
}
