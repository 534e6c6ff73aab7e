package org.snmf4j.cpu;

import java.nio.Buffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByPtrPtr;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Opaque;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The flat C interface of {@code native/include/snmf4j/cpu.h}, function by function. Nothing is
 * checked here; {@link NativeCalls} turns statuses into exceptions.
 */
@Platform(include = "snmf4j/cpu.h", library = CpuLibrary.NAME)
@NoException
final class CpuLibrary {
  /** Name of the shared library; ends in the interface's version. */
  static final String NAME = "snmf4j-cpu-3";

  /** SNMF4J_CPU_ABI of the header that this class was written against. */
  static final int ABI = 3;

  static final int OK = 0;
  static final int OUT_OF_MEMORY = 2;
  static final int NON_FINITE = 3;
  static final int UNAVAILABLE = 4;

  static final int ISA_BEST = 0;
  static final int ISA_PORTABLE = 1;
  static final int ISA_AVX2 = 2;
  static final int ISA_AVX512 = 3;

  static final int FLOAT32 = 0;
  static final int FLOAT64 = 1;
  static final int FLOAT16 = 2;
  static final int BFLOAT16 = 3;

  static final int RULE_MULTIPLICATIVE = 0;
  static final int RULE_HALS = 1;
  static final int RULE_LEAST_SQUARES = 2;

  private CpuLibrary() {}

  @Opaque
  @Name("snmf4j_context")
  static final class Context extends Pointer {
    Context() {
      super((Pointer) null);
    }
  }

  @Opaque
  @Name("snmf4j_panels")
  static final class Panels extends Pointer {
    Panels() {
      super((Pointer) null);
    }
  }

  @Opaque
  @Name("snmf4j_features")
  static final class FeatureColumns extends Pointer {
    FeatureColumns() {
      super((Pointer) null);
    }
  }

  @Opaque
  @Name("snmf4j_statistics")
  static final class Sums extends Pointer {
    Sums() {
      super((Pointer) null);
    }
  }

  /** What a pass does to the coefficients; see the header for the members. */
  @Name("snmf4j_update")
  static final class Update extends Pointer {
    Update() {
      super((Pointer) null);
      allocate();
    }

    private native void allocate();

    native int rule();

    native Update rule(int value);

    native double epsilon();

    native Update epsilon(double value);

    native int sweeps();

    native Update sweeps(int value);

    native double tolerance();

    native Update tolerance(double value);

    native double penalty();

    native Update penalty(double value);

    native @Const DoublePointer row_scale();

    native Update row_scale(DoublePointer value);

    native @Const Panels before();

    native Update before(Panels value);

    native double beta();

    native Update beta(double value);

    native FeatureColumns support();

    native Update support(FeatureColumns value);
  }

  static native int snmf4j_cpu_abi();

  static native @Cast("const char*") BytePointer snmf4j_last_message();

  static native int snmf4j_best_isa();

  static native @Cast("const char*") BytePointer snmf4j_isa_name(int isa);

  static native int snmf4j_context_create(
      int threads, int isa, @Cast("const char*") BytePointer blas, @ByPtrPtr Context result);

  static native int snmf4j_context_destroy(Context context);

  static native int snmf4j_context_isa(@Const Context context);

  static native @Cast("const char*") BytePointer snmf4j_context_blas(@Const Context context);

  static native int snmf4j_context_memory(@Const Context context, @Cast("int64_t*") long[] use);

  static native int snmf4j_context_reset_peak(Context context);

  static native int snmf4j_panels_create(
      Context context, int type, long rows, long tokens, int clear, @ByPtrPtr Panels result);

  static native int snmf4j_panels_destroy(Panels panels);

  static native int snmf4j_panels_sample(
      @Const Panels panels, long stride, @ByPtrPtr Panels result, double[] squares);

  static native long snmf4j_panels_tokens(@Const Panels panels);

  static native int snmf4j_panels_write_rows(
      Panels panels,
      int type,
      @Cast("const void*") Buffer source,
      long stride,
      long row,
      long rows,
      double[] squares);

  static native int snmf4j_panels_write_tokens(
      Panels panels,
      int type,
      @Cast("const void*") Buffer source,
      long stride,
      long token,
      long tokens,
      double[] squares);

  static native int snmf4j_panels_read_rows(
      @Const Panels panels, @Cast("float*") Buffer target, long stride, long row, long rows);

  static native int snmf4j_features_create(
      Context context, long neurons, int rank, @ByPtrPtr FeatureColumns result);

  static native int snmf4j_features_destroy(FeatureColumns features);

  static native int snmf4j_features_write(
      FeatureColumns features,
      int type,
      @Cast("const void*") Buffer source,
      long neuron,
      long neurons);

  static native int snmf4j_features_read(
      @Const FeatureColumns features, @Cast("float*") Buffer target, long neuron, long neurons);

  static native int snmf4j_features_winner_take_all(FeatureColumns features, long keep);

  static native int snmf4j_features_scale(FeatureColumns features, @Const double[] factors);

  static native int snmf4j_features_orthonormalize(FeatureColumns features);

  static native int snmf4j_features_multiply(
      @Const FeatureColumns left, @Const FeatureColumns right, FeatureColumns result);

  static native int snmf4j_expand(
      @Const FeatureColumns basis, @Const Sums coordinates, Sums result);

  static native int snmf4j_compress(
      @Const Panels a, @Const FeatureColumns basis, @ByPtrPtr Panels result, double[] squares);

  static native int snmf4j_statistics_create(
      Context context, long neurons, int rank, @ByPtrPtr Sums result);

  static native int snmf4j_statistics_destroy(Sums statistics);

  static native int snmf4j_statistics_gram(@Const Sums statistics, double[] gram);

  static native int snmf4j_statistics_row_sums(@Const Sums statistics, double[] sums);

  static native int snmf4j_statistics_cross(
      @Const Sums statistics, @Cast("float*") Buffer target, long neuron, long neurons);

  static native int snmf4j_dense_statistics(@Const Panels a, @Const Panels y, Sums result);

  static native int snmf4j_ridge_solve(@Const Sums statistics, double ridge, FeatureColumns result);

  static native int snmf4j_sweep_columns(
      @Const Sums statistics, FeatureColumns z, long keep, double penalty);

  static native int snmf4j_sweep_candidates(
      @Const Sums statistics,
      FeatureColumns z,
      FeatureColumns candidates,
      long keep,
      double penalty);

  static native int snmf4j_refit(@Const Sums statistics, FeatureColumns z, double penalty);

  static native int snmf4j_revive(
      @Const Panels a,
      Sums statistics,
      FeatureColumns z,
      Panels y,
      long keep,
      int[] dead,
      int[] revived);

  static native int snmf4j_pass(
      @Const Panels a,
      FeatureColumns z,
      @Const Update update,
      @Const Panels y,
      Panels result,
      int refresh,
      Sums statistics,
      double[] sums);

  static native int snmf4j_project(@Const Panels a, FeatureColumns z, Panels result);

  static native int snmf4j_residual(
      @Const Panels a, FeatureColumns z, @Const Panels y, double[] result);
}
