package org.snmf4j.cuda;

import java.nio.Buffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByPtrPtr;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberGetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.snmf4j.nativecode.Handles.Context;
import org.snmf4j.nativecode.Handles.FeatureColumns;
import org.snmf4j.nativecode.Handles.Panels;
import org.snmf4j.nativecode.Handles.Sums;
import org.snmf4j.nativecode.NativeLibrary;
import org.snmf4j.nativecode.NativeOperations;
import org.snmf4j.nativecode.Update;

/**
 * The flat C interface of {@code native/include/snmf4j/cuda.h}, function by function.
 *
 * <p>The methods are the library's functions themselves; they are not static because the interface
 * that both libraries have asks for methods of an object.
 */
@Platform(include = "snmf4j/cuda.h", library = CudaLibrary.NAME)
@NoException
final class CudaLibrary implements NativeOperations {
  /** Name of the shared library; ends in the interface's version. */
  static final String NAME = "snmf4j-cuda-3";

  /** SNMF4J_CUDA_ABI of the header that this class was written against. */
  static final int ABI = 3;

  /** System property that names another library than the jar's, or its folder. */
  static final String PATH = "snmf4j.cuda.path";

  static final CudaLibrary OPERATIONS = new CudaLibrary();

  private static final NativeLibrary LIBRARY =
      new NativeLibrary(
          new NativeLibrary.Source(CudaLibrary.class, "snmf4j-cuda", NAME, ABI, PATH),
          new NativeLibrary.Linker() {
            @Override
            public void load(String file) {
              System.load(file);
            }

            @Override
            public void loadLibrary(String name) {
              System.loadLibrary(name);
            }

            @Override
            public int abi() {
              return snmf4j_cuda_abi();
            }
          });

  private CudaLibrary() {}

  /** Loads the library on the first call. Never throws. */
  static NativeLibrary.Outcome outcome() {
    return LIBRARY.outcome();
  }

  /** A device; see the header for the members. */
  @Name("snmf4j_device")
  static final class DeviceStruct extends Pointer {
    DeviceStruct() {
      super((Pointer) null);
      allocate();
    }

    private native void allocate();

    @MemberGetter
    native @Cast("const char*") BytePointer name();

    @MemberGetter
    native int major();

    @MemberGetter
    native int minor();

    @MemberGetter
    native int multiprocessors();

    @MemberGetter
    native long total_bytes();
  }

  /** How to open a context; see the header for the members. */
  @Name("snmf4j_cuda_options")
  static final class OptionsStruct extends Pointer {
    OptionsStruct() {
      super((Pointer) null);
      allocate();
    }

    private native void allocate();

    native int device();

    native OptionsStruct device(int value);

    native int dense();

    native OptionsStruct dense(int value);

    native int graphs();

    native OptionsStruct graphs(int value);

    native int threads();

    native OptionsStruct threads(int value);

    native long memory_limit();

    native OptionsStruct memory_limit(long value);

    native @Cast("const char*") BytePointer cublas();

    native OptionsStruct cublas(BytePointer value);
  }

  /** What a pass does to the coefficients; see the header for the members. */
  @Name("snmf4j_update")
  static final class UpdateStruct extends Pointer {
    UpdateStruct() {
      super((Pointer) null);
      allocate();
    }

    private native void allocate();

    native int rule();

    native UpdateStruct rule(int value);

    native double epsilon();

    native UpdateStruct epsilon(double value);

    native int sweeps();

    native UpdateStruct sweeps(int value);

    native double tolerance();

    native UpdateStruct tolerance(double value);

    native double penalty();

    native UpdateStruct penalty(double value);

    native double relaxation();

    native UpdateStruct relaxation(double value);

    native @Const DoublePointer row_scale();

    native UpdateStruct row_scale(DoublePointer value);

    native @Const Panels before();

    native UpdateStruct before(Panels value);

    native double beta();

    native UpdateStruct beta(double value);

    native FeatureColumns support();

    native UpdateStruct support(FeatureColumns value);
  }

  static native int snmf4j_cuda_abi();

  static native int snmf4j_cuda_is_twin();

  static native @Cast("const char*") BytePointer snmf4j_cuda_architectures();

  static native int snmf4j_cuda_runtime_version();

  static native int snmf4j_cuda_driver_version();

  static native int snmf4j_cuda_devices(int[] count);

  static native int snmf4j_cuda_describe(int device, DeviceStruct result);

  static native int snmf4j_cuda_context_create(
      @Const OptionsStruct options, @ByPtrPtr Context result);

  static native int snmf4j_cuda_context_cublas_version(@Const Context context);

  @Override
  public int snmf4j_pass(
      Panels a,
      FeatureColumns z,
      Update update,
      Panels y,
      Panels result,
      int refresh,
      Sums statistics,
      double[] sums) {
    try (UpdateStruct struct = new UpdateStruct()) {
      struct
          .rule(update.rule())
          .epsilon(update.epsilon())
          .sweeps(update.sweeps())
          .tolerance(update.tolerance())
          .penalty(update.penalty())
          .relaxation(update.relaxation())
          .row_scale(update.rowScale())
          .before(update.before())
          .beta(update.beta())
          .support(update.support());
      return pass(a, z, struct, y, result, refresh, statistics, sums);
    }
  }

  @Override
  public native @Cast("const char*") BytePointer snmf4j_last_message();

  @Override
  public native int snmf4j_context_destroy(Context context);

  @Override
  public native int snmf4j_context_memory(@Const Context context, @Cast("int64_t*") long[] use);

  @Override
  public native int snmf4j_context_reset_peak(Context context);

  @Override
  public native int snmf4j_panels_create(
      Context context, int type, long rows, long tokens, int clear, @ByPtrPtr Panels result);

  @Override
  public native int snmf4j_panels_destroy(Panels panels);

  @Override
  public native int snmf4j_panels_sample(
      @Const Panels panels, long stride, @ByPtrPtr Panels result, double[] squares);

  @Override
  public native long snmf4j_panels_tokens(@Const Panels panels);

  @Override
  public native int snmf4j_panels_write_rows(
      Panels panels,
      int type,
      @Cast("const void*") Buffer source,
      long stride,
      long row,
      long rows,
      double[] squares);

  @Override
  public native int snmf4j_panels_write_tokens(
      Panels panels,
      int type,
      @Cast("const void*") Buffer source,
      long stride,
      long token,
      long tokens,
      double[] squares);

  @Override
  public native int snmf4j_panels_read_rows(
      @Const Panels panels, @Cast("float*") Buffer target, long stride, long row, long rows);

  @Override
  public native int snmf4j_features_create(
      Context context, long neurons, int rank, @ByPtrPtr FeatureColumns result);

  @Override
  public native int snmf4j_features_destroy(FeatureColumns features);

  @Override
  public native int snmf4j_features_write(
      FeatureColumns features,
      int type,
      @Cast("const void*") Buffer source,
      long neuron,
      long neurons);

  @Override
  public native int snmf4j_features_read(
      @Const FeatureColumns features, @Cast("float*") Buffer target, long neuron, long neurons);

  @Override
  public native int snmf4j_features_winner_take_all(FeatureColumns features, long keep);

  @Override
  public native int snmf4j_features_scale(FeatureColumns features, @Const double[] factors);

  @Override
  public native int snmf4j_features_orthonormalize(FeatureColumns features);

  @Override
  public native int snmf4j_features_multiply(
      @Const FeatureColumns left, @Const FeatureColumns right, FeatureColumns result);

  @Override
  public native int snmf4j_expand(
      @Const FeatureColumns basis, @Const Sums coordinates, Sums result);

  @Override
  public native int snmf4j_compress(
      @Const Panels a, @Const FeatureColumns basis, @ByPtrPtr Panels result, double[] squares);

  @Override
  public native int snmf4j_statistics_create(
      Context context, long neurons, int rank, @ByPtrPtr Sums result);

  @Override
  public native int snmf4j_statistics_destroy(Sums statistics);

  @Override
  public native int snmf4j_statistics_gram(@Const Sums statistics, double[] gram);

  @Override
  public native int snmf4j_statistics_row_sums(@Const Sums statistics, double[] sums);

  @Override
  public native int snmf4j_statistics_cross(
      @Const Sums statistics, @Cast("float*") Buffer target, long neuron, long neurons);

  @Override
  public native int snmf4j_dense_statistics(@Const Panels a, @Const Panels y, Sums result);

  @Override
  public native int snmf4j_ridge_solve(@Const Sums statistics, double ridge, FeatureColumns result);

  @Override
  public native int snmf4j_sweep_columns(
      @Const Sums statistics, FeatureColumns z, long keep, double penalty);

  @Override
  public native int snmf4j_sweep_candidates(
      @Const Sums statistics,
      FeatureColumns z,
      FeatureColumns candidates,
      long keep,
      double penalty);

  @Override
  public native int snmf4j_refit(
      @Const Sums statistics, FeatureColumns z, double penalty, double relaxation);

  @Override
  public native int snmf4j_revive(
      @Const Panels a,
      Sums statistics,
      FeatureColumns z,
      Panels y,
      long keep,
      int[] dead,
      int[] revived);

  @Name("snmf4j_pass")
  private native int pass(
      @Const Panels a,
      FeatureColumns z,
      @Const UpdateStruct update,
      @Const Panels y,
      Panels result,
      int refresh,
      Sums statistics,
      double[] sums);

  @Override
  public native int snmf4j_project(@Const Panels a, FeatureColumns z, Panels result);

  @Override
  public native int snmf4j_residual(
      @Const Panels a, FeatureColumns z, @Const Panels y, double[] result);
}
