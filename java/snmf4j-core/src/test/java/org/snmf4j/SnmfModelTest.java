package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.fixture.Planted;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.solver.StopReason;

class SnmfModelTest {
  private static final double[][] VALUES = Planted.activations(30, 90, 4, 8);

  @TempDir Path directory;
  private Backend backend;
  private Matrix a;
  private SnmfModel model;

  @BeforeEach
  void fit() {
    backend = Backends.open("java", new BackendConfig(1));
    a = Matrix.of(VALUES);
    SnmfOptions options =
        SnmfOptions.builder(4).featureDensity(0.3).coefficientPenalty(0).maxIterations(25).build();
    model = Snmf.fit(a, options, backend);
  }

  @AfterEach
  void close() {
    model.close();
    a.close();
    backend.close();
  }

  @Test
  void statisticsAreThoseOfTheFactors() {
    double[][] z = model.features().toArray();
    double[][] y = model.coefficients().toArray();
    double explained = 0;
    for (int j = 0; j < 4; j++) {
      FeatureStatistics statistics = model.statistics(j);
      double largest = Arrays.stream(y[j]).max().orElseThrow();
      double limit = 1e-6 * largest;
      assertEquals(largest, statistics.maxCoefficient());
      assertEquals(Arrays.stream(y[j]).filter(v -> v > limit).count() / 90.0, statistics.density());
      int feature = j;
      int[] support =
          java.util.stream.IntStream.range(0, 30).filter(i -> z[i][feature] != 0).toArray();
      assertArrayEquals(support, model.support(j));
      assertEquals(support.length, statistics.supportSize());
      explained += statistics.explainedVariance();
    }
    double relativeLoss = Planted.loss(VALUES, z, y) / model.report().squaredNorm();
    assertEquals(1 - relativeLoss, explained, 1e-9);
  }

  @Test
  void aLoneFeaturesShareIsWhatItExplains() {
    SnmfOptions options = SnmfOptions.builder(1).featureDensity(1).build();
    try (SnmfModel one = Snmf.fit(a, options, backend)) {
      assertEquals(1 - one.report().relativeLoss(), one.statistics(0).explainedVariance(), 1e-9);
    }
  }

  @Test
  void supportsAreCopies() {
    int[] support = model.support(1);
    support[0] = -7;
    assertTrue(model.support(1)[0] >= 0);
  }

  @Test
  void featuresOutOfRangeAreRefused() {
    for (int feature : new int[] {-1, 4}) {
      String message = "feature is " + feature + " but must be between 0 and 3";
      assertEquals(
          message,
          assertThrowsExactly(InvalidArgumentException.class, () -> model.support(feature))
              .getMessage());
      assertEquals(
          message,
          assertThrowsExactly(InvalidArgumentException.class, () -> model.statistics(feature))
              .getMessage());
    }
  }

  @Test
  void roundTripKeepsEverything() {
    Path file = directory.resolve("model.safetensors");
    model.save(file);
    try (SnmfModel loaded = SnmfModel.load(file)) {
      assertEquals(30, loaded.neurons());
      assertEquals(4, loaded.rank());
      assertEquals(90, loaded.tokens());
      assertEquals(ElementType.FLOAT32, loaded.features().type());
      requireRounded(model.features(), loaded.features());
      requireRounded(model.coefficients(), loaded.coefficients());
      for (int j = 0; j < 4; j++) {
        assertArrayEquals(model.support(j), loaded.support(j));
        assertEquals(
            model.statistics(j).explainedVariance(), loaded.statistics(j).explainedVariance());
      }
      FitReport before = model.report();
      FitReport after = loaded.report();
      assertEquals(before.iterations(), after.iterations());
      assertEquals(before.bestIteration(), after.bestIteration());
      assertArrayEquals(before.losses(), after.losses(), 0.0);
      assertEquals(before.squaredNorm(), after.squaredNorm());
      assertEquals(StopReason.MAX_ITERATIONS, after.stopReason());
      assertEquals(before.seconds(), after.seconds());
      assertEquals(before.solver(), after.solver());
      assertEquals(before.featureDensity(), after.featureDensity());
      assertEquals(before.precision(), after.precision());
      assertEquals(before.initialization(), after.initialization());
      assertEquals(before.backend(), after.backend());
      assertEquals(before.backendDescription(), after.backendDescription());
      assertEquals(before.threads(), after.threads());
      assertEquals(before.seed(), after.seed());
      assertEquals(before.peakBytes(), after.peakBytes());
    }
  }

  private static void requireRounded(Matrix expected, Matrix actual) {
    double[][] values = expected.toArray();
    for (double[] row : values) {
      for (int j = 0; j < row.length; j++) {
        row[j] = (float) row[j];
      }
    }
    assertTrue(Arrays.deepEquals(values, actual.toArray()));
  }

  @Test
  void attributesAreKeptAndSaved() {
    Map<String, String> given = new HashMap<>(Map.of("site", "mlp", "layer", "3"));
    SnmfOptions options = SnmfOptions.builder(2).maxIterations(1).attributes(given).build();
    given.put("site", "changed later");
    Path file = directory.resolve("model.safetensors");
    try (SnmfModel fitted = Snmf.fit(a, options, backend)) {
      assertEquals(Map.of("site", "mlp", "layer", "3"), fitted.attributes());
      assertThrowsExactly(
          UnsupportedOperationException.class, () -> fitted.attributes().put("a", "b"));
      fitted.save(file);
    }
    try (SnmfModel loaded = SnmfModel.load(file)) {
      assertEquals(Map.of("site", "mlp", "layer", "3"), loaded.attributes());
      assertThrowsExactly(
          UnsupportedOperationException.class, () -> loaded.attributes().put("a", "b"));
    }
    assertEquals(Map.of(), model.attributes());
  }

  @Test
  void savingTwiceGivesTheSameBytes() throws IOException {
    Path first = directory.resolve("first");
    Path second = directory.resolve("second");
    model.save(first);
    try (SnmfModel loaded = SnmfModel.load(first)) {
      loaded.save(second);
    }
    assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(second));
  }

  @Test
  void savingReplacesAnOlderModel() throws IOException {
    Path file = directory.resolve("model.safetensors");
    Files.writeString(file, "something else");
    model.save(file);
    SnmfModel.load(file).close();
    try (var files = Files.list(directory)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void savingIntoNowhereNamesTheFile() {
    Path file = directory.resolve("missing/model.safetensors");
    FileAccessException thrown =
        assertThrowsExactly(FileAccessException.class, () -> model.save(file));
    assertTrue(thrown.getMessage().contains("missing"), thrown::getMessage);
  }

  @Test
  void aClosedModelIsRefusedEverywhere() throws IOException {
    Path file = directory.resolve("model.safetensors");
    model.close();
    model.close();
    List<Executable> calls =
        List.of(
            () -> model.features().get(0, 0),
            () -> model.coefficients().get(0, 0),
            () -> model.support(0),
            () -> model.statistics(0),
            () -> model.statistics(),
            () -> model.encode(a),
            () -> model.encode(a, backend),
            () -> model.save(file));
    for (Executable call : calls) {
      assertThrowsExactly(ClosedException.class, call);
    }
    try (var files = Files.list(directory)) {
      assertEquals(0, files.count(), "a failed save left something behind");
    }
    assertEquals(0, backend.memory().current());
    assertEquals(25, model.report().iterations());
  }

  @Test
  void encodingIsTheBestOfAllActiveSets() {
    double[][] fresh = Planted.activations(30, 70, 4, 99);
    double[][] z = model.features().toArray();
    try (Matrix unseen = Matrix.of(fresh);
        Matrix encoded = model.encode(unseen, backend)) {
      assertEquals(4, encoded.rows());
      assertEquals(70, encoded.columns());
      for (int t = 0; t < 70; t++) {
        double[] token = new double[30];
        double[] y = new double[4];
        for (int i = 0; i < 30; i++) {
          token[i] = fresh[i][t];
        }
        for (int j = 0; j < 4; j++) {
          y[j] = encoded.get(j, t);
          assertTrue(y[j] >= 0);
        }
        double best = ActiveSets.smallestObjective(z, token);
        assertTrue(ActiveSets.objective(z, token, y) <= best * (1 + 1e-4) + 1e-12, "token " + t);
      }
    }
  }

  @Test
  void encodingOnAnyBackendWorks() {
    try (Matrix automatic = model.encode(a);
        Matrix forced = model.encode(a, backend)) {
      for (int j = 0; j < 4; j++) {
        for (int t = 0; t < 90; t++) {
          assertEquals(forced.get(j, t), automatic.get(j, t), 1e-6);
        }
      }
    }
  }

  @Test
  void encodingOtherNeuronsIsRefused() {
    try (Matrix other = Matrix.of(new double[29][5])) {
      assertEquals(
          "activations is of shape [29, 5] but must be of 30 rows, the model's neurons",
          assertThrowsExactly(InvalidArgumentException.class, () -> model.encode(other, backend))
              .getMessage());
    }
  }

  @Test
  void failedEncodingLeavesNothingBehind() {
    double[][] values = new double[30][90];
    values[7][66] = Double.NaN;
    long matrices = Matrix.liveBytes();
    try (Matrix bad = Matrix.of(values)) {
      assertEquals(
          "activations holds NaN at row 7, column 66 but must be finite everywhere",
          assertThrowsExactly(NonFiniteValueException.class, () -> model.encode(bad, backend))
              .getMessage());
    }
    assertEquals(0, backend.memory().current());
    assertTrue(Matrix.liveBytes() <= matrices);
  }

  @Test
  void encodingNamesBadTokensByTheirOwnPlace() {
    // So many neurons that 64 tokens are a block of their own.
    int neurons = 1 << 18;
    try (Matrix z = Matrix.allocate(ElementType.FLOAT32, neurons, 1);
        Matrix y = Matrix.allocate(ElementType.FLOAT32, 1, 1);
        Matrix wide = Matrix.allocate(ElementType.FLOAT32, 130, neurons)) {
      z.set(5, 0, 1);
      wide.set(100, 5, Double.NaN);
      SnmfModel large = new SnmfModel(z, y, new double[1], model.report(), Map.of());
      NonFiniteValueException thrown =
          assertThrowsExactly(
              NonFiniteValueException.class, () -> large.encode(wide.transpose(), backend));
      assertEquals(5, thrown.row());
      assertEquals(100, thrown.column());
      wide.set(100, 5, 3);
      wide.set(127, 5, 4);
      try (Matrix encoded = large.encode(wide.transpose(), backend)) {
        assertEquals(3, encoded.get(0, 100), 1e-9);
        assertEquals(4, encoded.get(0, 127), 1e-9);
        assertEquals(0, encoded.get(0, 128), 1e-9);
      }
    }
  }

  @Test
  void severalThreadsMayRead() throws Exception {
    double[] seen = new double[8];
    Thread[] threads = new Thread[8];
    for (int i = 0; i < 8; i++) {
      int feature = i % 4;
      int slot = i;
      threads[i] = new Thread(() -> seen[slot] = model.statistics(feature).maxCoefficient());
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < 8; i++) {
      assertEquals(model.statistics(i % 4).maxCoefficient(), seen[i]);
    }
    assertFalse(Arrays.equals(seen, new double[8]));
  }
}
