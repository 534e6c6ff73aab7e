package org.snmf4j.cpu;

import java.util.Map;
import org.snmf4j.backend.Availability;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.nativecode.NativeCalls;
import org.snmf4j.nativecode.NativeLibrary;

/**
 * Provides the CPU backend, {@code "cpu"}.
 *
 * <p>System properties: {@code snmf4j.native.disable}, {@code snmf4j.native.path}, {@code
 * snmf4j.native.cache} and {@code snmf4j.openblas.path} steer where libraries come from; {@code
 * snmf4j.cpu.isa} ({@code avx512}, {@code avx2} or {@code portable}) forces an instruction set.
 *
 * <p>OpenBLAS' process-wide thread count is one while a backend of this provider is open, and
 * restored after.
 */
public final class CpuBackendProvider implements BackendProvider {
  /** The backend's name. */
  public static final String NAME = "cpu";

  /** System property that forces an instruction set. */
  public static final String ISA = "snmf4j.cpu.isa";

  private static final Map<String, Integer> ISAS =
      Map.of(
          "portable", CpuLibrary.ISA_PORTABLE,
          "avx2", CpuLibrary.ISA_AVX2,
          "avx512", CpuLibrary.ISA_AVX512);

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 100;
  }

  @Override
  public Availability probe() {
    try {
      NativeLibrary.Outcome library = CpuLibrary.outcome();
      if (!library.loaded()) {
        return Availability.no(library.failure());
      }
      String forced = System.getProperty(ISA);
      int best = CpuLibrary.snmf4j_best_isa();
      if (forced != null && !ISAS.containsKey(forced)) {
        return Availability.no(
            "-D" + ISA + " is " + forced + " but must be one of avx512, avx2, portable");
      }
      if (forced != null && ISAS.get(forced) > best) {
        return Availability.no(
            "-D" + ISA + "=" + forced + " but this CPU runs " + name(best) + " at best");
      }
      OpenBlas.Outcome blas = OpenBlas.outcome();
      if (!blas.found()) {
        return Availability.no(blas.failure());
      }
      return Availability.yes(
          (forced == null ? name(best) : forced)
              + " kernels from "
              + library.location()
              + ", OpenBLAS from "
              + blas.file());
    } catch (RuntimeException | LinkageError e) {
      return Availability.no("probing failed: " + e);
    }
  }

  @Override
  public Backend open(BackendConfig config) {
    Availability availability = probe();
    if (!availability.available()) {
      throw new BackendUnavailableException(
          "backend " + NAME + " cannot run here: " + availability.detail());
    }
    String forced = System.getProperty(ISA);
    return new CpuBackend(
        config.threads(),
        forced == null ? CpuLibrary.ISA_BEST : ISAS.get(forced),
        OpenBlas.outcome().file().toString());
  }

  private static String name(int isa) {
    return NativeCalls.text(CpuLibrary.snmf4j_isa_name(isa));
  }
}
