package org.snmf4j.cpu;

import org.junit.jupiter.api.Nested;
import org.snmf4j.backend.Backend;
import org.snmf4j.tck.BackendConformance;

/** The conformance suite on every instruction set that was compiled. */
class CpuConformanceTest {
  @Nested
  class Portable extends BackendConformance {
    @Override
    protected Backend open(int threads) {
      return InstructionSets.open("portable", threads);
    }
  }

  @Nested
  class Avx2 extends BackendConformance {
    @Override
    protected Backend open(int threads) {
      return InstructionSets.open("avx2", threads);
    }
  }

  @Nested
  class Avx512 extends BackendConformance {
    @Override
    protected Backend open(int threads) {
      return InstructionSets.open("avx512", threads);
    }
  }
}
