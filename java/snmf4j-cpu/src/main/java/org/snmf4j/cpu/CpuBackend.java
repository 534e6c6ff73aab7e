package org.snmf4j.cpu;

import org.bytedeco.javacpp.BytePointer;
import org.snmf4j.nativecode.Handles.Context;
import org.snmf4j.nativecode.NativeBackend;
import org.snmf4j.nativecode.NativeCalls;

/** The CPU backend. */
final class CpuBackend extends NativeBackend {
  private final String description;

  /**
   * @param isa one of CpuLibrary.ISA_*
   */
  CpuBackend(int threads, int isa, String blas) {
    this(threads, open(threads, isa, blas));
  }

  private CpuBackend(int threads, Context context) {
    super(CpuLibrary.OPERATIONS, context, threads);
    description =
        NativeCalls.text(CpuLibrary.snmf4j_isa_name(CpuLibrary.snmf4j_context_isa(context)))
            + " kernels, float32, "
            + threads
            + " threads, "
            + NativeCalls.text(CpuLibrary.snmf4j_context_blas(context)).trim();
  }

  private static Context open(int threads, int isa, String blas) {
    Context context = new Context();
    try (BytePointer path = new BytePointer(blas)) {
      NativeCalls.check(
          CpuLibrary.OPERATIONS,
          CpuLibrary.snmf4j_context_create(threads, isa, path, context),
          "open the cpu backend");
    }
    return context;
  }

  @Override
  public String name() {
    return CpuBackendProvider.NAME;
  }

  @Override
  public String description() {
    return description;
  }
}
