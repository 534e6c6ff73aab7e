package org.snmf4j.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.MemoryUse;
import org.snmf4j.matrix.Matrix;

/** Samples are views here. */
class SampleMemoryTest {
  @Test
  void aSampleCostsNoMemory() {
    try (Backend backend = new CpuBackendProvider().open(new BackendConfig(2));
        Matrix matrix = Matrix.of(new double[17][1000]);
        Activations a = backend.pack(matrix)) {
      backend.resetPeak();
      MemoryUse before = backend.memory();
      Activations sample = backend.sample(a, 3);
      assertEquals(before, backend.memory(), "bytes held and their peak with a sample");
      sample.close();
      assertEquals(before, backend.memory(), "bytes held and their peak after the sample");
    }
  }
}
