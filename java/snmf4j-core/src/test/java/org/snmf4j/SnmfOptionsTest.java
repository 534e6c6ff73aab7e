package org.snmf4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;

import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.error.InvalidArgumentException;

class SnmfOptionsTest {
  static Stream<Arguments> refused() {
    SnmfOptions.Builder builder = SnmfOptions.builder(2);
    return Stream.of(
        refused("rank is 0 but must be at least 1", () -> SnmfOptions.builder(0)),
        refused("rank is -3 but must be at least 1", () -> SnmfOptions.builder(-3)),
        refused(
            "feature density is 0.0 but must be above 0 and at most 1",
            () -> builder.featureDensity(0)),
        refused(
            "feature density is -0.5 but must be above 0 and at most 1",
            () -> builder.featureDensity(-0.5)),
        refused(
            "feature density is 1.0000001 but must be above 0 and at most 1",
            () -> builder.featureDensity(1.0000001)),
        refused(
            "feature density is NaN but must be above 0 and at most 1",
            () -> builder.featureDensity(Double.NaN)),
        refused("max iterations is 0 but must be at least 1", () -> builder.maxIterations(0)),
        refused("patience is 0 but must be at least 1", () -> builder.patience(0)),
        refused(
            "tolerance is -1.0E-9 but must be at least 0 and below 1",
            () -> builder.tolerance(-1e-9)),
        refused("tolerance is 1.0 but must be at least 0 and below 1", () -> builder.tolerance(1)),
        refused(
            "tolerance is NaN but must be at least 0 and below 1",
            () -> builder.tolerance(Double.NaN)),
        refused("target loss is 0.0 but must be above 0 and below 1", () -> builder.targetLoss(0)),
        refused("target loss is 1.0 but must be above 0 and below 1", () -> builder.targetLoss(1)),
        refused(
            "target loss is NaN but must be above 0 and below 1",
            () -> builder.targetLoss(Double.NaN)),
        refused("time limit is PT0S but must be positive", () -> builder.timeLimit(Duration.ZERO)),
        refused(
            "time limit is PT-1S but must be positive",
            () -> builder.timeLimit(Duration.ofSeconds(-1))),
        refused("ridge is 0.0 but must be positive and finite", () -> builder.ridge(0)),
        refused("ridge is -1.0 but must be positive and finite", () -> builder.ridge(-1)),
        refused("ridge is NaN but must be positive and finite", () -> builder.ridge(Double.NaN)),
        refused(
            "ridge is Infinity but must be positive and finite",
            () -> builder.ridge(Double.POSITIVE_INFINITY)),
        refused("threads is 0 but must be between 1 and 1024", () -> builder.threads(0)),
        refused("threads is 1025 but must be between 1 and 1024", () -> builder.threads(1025)),
        refused(
            "attribute name is '1st' but must be 1 to 64 of a-z, 0-9 and _, the first a letter",
            () -> builder.attributes(Map.of("1st", "x"))),
        refused(
            "attribute name is null but must be 1 to 64 of a-z, 0-9 and _, the first a letter",
            () -> builder.attributes(Collections.singletonMap(null, "x"))),
        refused(
            "attribute data is null but must be between 1 and 4096 characters long",
            () -> builder.attributes(Collections.singletonMap("data", null))),
        refused(
            "attribute data is of length 4097 but must be between 1 and 4096 characters long",
            () -> builder.attributes(Map.of("data", "x".repeat(4097)))),
        refused(
            "attribute data is text with an unpaired surrogate but must be free of unpaired"
                + " surrogates",
            () -> builder.attributes(Map.of("data", "\ud83d"))),
        refused(
            "number of attributes is 65 but must be at most 64",
            () ->
                builder.attributes(
                    IntStream.range(0, 65)
                        .boxed()
                        .collect(Collectors.toMap(i -> "a" + i, i -> "x")))));
  }

  private static Arguments refused(String message, Executable call) {
    return Arguments.of(message, call);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void badValuesAreNamed(String message, Executable call) {
    InvalidArgumentException thrown = assertThrowsExactly(InvalidArgumentException.class, call);
    assertEquals(message, thrown.getMessage());
    assertEquals(message.substring(0, message.indexOf(" is ")), thrown.argument());
  }

  @Test
  void nullsAreRefusedByName() {
    SnmfOptions.Builder builder = SnmfOptions.builder(2);
    requireNamed("solver", () -> builder.solver(null));
    requireNamed("initialization", () -> builder.initialization(null));
    requireNamed("time limit", () -> builder.timeLimit(null));
    requireNamed("backend", () -> builder.backend(null));
    requireNamed("attributes", () -> builder.attributes(null));
    requireNamed("progress", () -> builder.progress(null));
    requireNamed("cancellation", () -> builder.cancellation(null));
  }

  private static void requireNamed(String name, Executable call) {
    assertEquals(name, assertThrowsExactly(NullPointerException.class, call).getMessage());
  }

  @Test
  void defaultsAreThoseOfTheDocumentation() {
    SnmfOptions options = SnmfOptions.builder(7).build();
    assertEquals(7, options.rank());
    assertEquals(0.01, options.featureDensity());
    assertEquals(Solver.ALS, options.solver());
    assertEquals("signsplit", options.initialization().name());
    assertEquals(SnmfOptions.DEFAULT_PENALTY, options.coefficientPenalty());
    SnmfOptions multiplicative = SnmfOptions.builder(7).solver(Solver.MULTIPLICATIVE).build();
    assertEquals("random", multiplicative.initialization().name());
    assertEquals(0, multiplicative.coefficientPenalty());
    assertEquals(0, options.seed());
    assertEquals(200, options.maxIterations());
    assertEquals(100, options.patience());
    assertEquals(1e-6, options.tolerance());
    assertEquals(OptionalDouble.empty(), options.targetLoss());
    assertEquals(Optional.empty(), options.timeLimit());
    assertEquals(1e-6, options.ridge());
    assertEquals("auto", options.backend());
    assertEquals(Map.of(), options.attributes());
    assertEquals(Runtime.getRuntime().availableProcessors(), options.threads());
  }

  @ParameterizedTest
  @CsvSource({
    "0.01, 3072, 31",
    "0.01, 100, 1",
    "0.01, 1, 1",
    "0.07, 100, 7",
    "0.29, 100, 29",
    "0.0700001, 100, 8",
    "1, 5, 5",
    "0.999, 5, 5",
    "1e-300, 5, 1"
  })
  void supportSizeRoundsUp(double density, int neurons, int expected) {
    SnmfOptions options = SnmfOptions.builder(1).featureDensity(density).build();
    assertEquals(expected, options.supportSize(neurons));
  }
}
