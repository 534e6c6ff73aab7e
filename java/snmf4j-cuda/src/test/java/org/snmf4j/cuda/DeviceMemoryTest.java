package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.Solver;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Precision;
import org.snmf4j.error.MemoryExhaustedException;
import org.snmf4j.tck.planted.PlantedData;

/** With little device memory: data streams through it, and what cannot be done is an error. */
class DeviceMemoryTest {
  private static final int NEURONS = 400;
  private static final int TOKENS = 20_000;

  @AfterEach
  void clear() {
    System.clearProperty(CudaOptions.MEMORY);
  }

  private static Backend open(String memory) {
    System.setProperty(CudaOptions.MEMORY, memory);
    return new CudaBackendProvider().open(new BackendConfig(2));
  }

  private static SnmfOptions.Builder options() {
    return SnmfOptions.builder(8).featureDensity(0.05).maxIterations(4);
  }

  @ParameterizedTest
  @EnumSource
  void activationsLargerThanTheDeviceStreamThroughItWithTheSameLoss(Precision precision) {
    SnmfOptions options = options().precision(precision).build();
    long bytes = (long) NEURONS * TOKENS * (precision == Precision.FP32 ? 4 : 2);
    try (PlantedData data = PlantedData.gelu(PlantedData.Variant.DENSE, NEURONS, TOKENS, 8, 1);
        Backend large = open("1G");
        Backend small = open("8M");
        SnmfModel whole = Snmf.fit(data.activations(), options, large);
        SnmfModel streamed = Snmf.fit(data.activations(), options, small)) {
      assertTrue(large.memory().peak() > bytes, "kept " + large.memory().peak());
      assertTrue(small.memory().peak() <= 8 << 20, "used " + small.memory().peak());
      assertTrue(bytes >= 15_000_000, bytes + " bytes would fit");
      assertEquals(
          whole.report().relativeLoss(),
          streamed.report().relativeLoss(),
          1e-5 * whole.report().relativeLoss());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFitThatFindsTooLittleMemoryFailsAndTheNextOneWorks(Solver solver) {
    SnmfOptions tooMuch = SnmfOptions.builder(390).solver(solver).maxIterations(2).build();
    SnmfOptions small = options().solver(solver).build();
    try (PlantedData data = PlantedData.gelu(PlantedData.Variant.DENSE, NEURONS, 2000, 8, 1);
        Backend backend = open("4M")) {
      Snmf.fit(data.activations(), small, backend).close();
      long before = backend.memory().current();
      double loss;
      try (SnmfModel model = Snmf.fit(data.activations(), small, backend)) {
        loss = model.report().loss();
      }
      MemoryExhaustedException thrown =
          assertThrowsExactly(
              MemoryExhaustedException.class, () -> Snmf.fit(data.activations(), tooMuch, backend));
      assertTrue(thrown.getMessage().contains("device memory"), thrown.getMessage());
      try (SnmfModel model = Snmf.fit(data.activations(), small, backend)) {
        assertEquals(loss, model.report().loss());
      }
      assertTrue(backend.memory().current() >= before, "workspaces stay");
    }
  }

  @Test
  void theLimitIsNamed() {
    try (Backend backend = open("1M")) {
      MemoryExhaustedException thrown =
          assertThrowsExactly(
              MemoryExhaustedException.class, () -> backend.newStatistics(1000, 1000));
      assertTrue(thrown.getMessage().contains("limit of 1 MiB"), thrown.getMessage());
    }
  }
}
