package org.snmf4j.cpu;

import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.snmf4j.backend.Backend;
import org.snmf4j.nativecode.NativeLibrary;

/** Backends of one instruction set; where the CPU lacks it, the test is reported as not run. */
final class InstructionSets {
  private static final List<String> NAMES = List.of("best", "portable", "avx2", "avx512");

  private InstructionSets() {}

  static Backend open(String name, int threads) {
    NativeLibrary.Outcome library = CpuLibrary.outcome();
    if (!library.loaded()) {
      throw new AssertionError("no native library: " + library.failure());
    }
    int isa = NAMES.indexOf(name);
    int best = CpuLibrary.snmf4j_best_isa();
    Assumptions.assumeTrue(isa <= best, "this CPU runs " + NAMES.get(best) + ", not " + name);
    return new CpuBackend(threads, isa, OpenBlas.outcome().file().toString());
  }
}
