package org.snmf4j.cuda;

import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.snmf4j.cuda.CudaLibrary.OptionsStruct;
import org.snmf4j.nativecode.Handles.Context;
import org.snmf4j.nativecode.NativeBackend;
import org.snmf4j.nativecode.NativeCalls;

/** The CUDA backend. */
final class CudaBackend extends NativeBackend {
  private final String description;

  /**
   * @param threads host threads, which share the copying of large matrices
   */
  CudaBackend(CudaSetup setup, int threads) {
    this(setup, threads, open(setup, threads));
  }

  private CudaBackend(CudaSetup setup, int threads, Context context) {
    super(CudaLibrary.OPERATIONS, context, threads);
    CudaOptions options = setup.options();
    int cublas = CudaLibrary.snmf4j_cuda_context_cublas_version(context);
    description =
        setup.device()
            + ", float32"
            + (options.dense() == CudaOptions.Dense.FP32
                ? ""
                : " with " + options.dense().name().toLowerCase(Locale.ROOT) + " dense products")
            + (options.memory() == 0 ? "" : ", at most " + options.memory() + " bytes of memory")
            + (cublas == 0
                ? ""
                : ", cuBLAS " + cublas / 10_000 + "." + cublas / 100 % 100 + "." + cublas % 100);
  }

  private static Context open(CudaSetup setup, int threads) {
    Context context = new Context();
    try (OptionsStruct options = new OptionsStruct();
        BytePointer cublas = new BytePointer(setup.cublas())) {
      options
          .device(setup.options().device())
          .dense(setup.options().dense().ordinal())
          .graphs(setup.options().graphs() ? 1 : 0)
          .threads(threads)
          .memory_limit(setup.options().memory())
          .cublas(cublas);
      NativeCalls.check(
          CudaLibrary.OPERATIONS,
          CudaLibrary.snmf4j_cuda_context_create(options, context),
          "open the cuda backend");
    }
    return context;
  }

  @Override
  public String name() {
    return CudaBackendProvider.NAME;
  }

  @Override
  public String description() {
    return description;
  }
}
