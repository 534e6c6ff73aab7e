package org.snmf4j.nativecode;

import java.nio.Buffer;
import org.bytedeco.javacpp.BytePointer;
import org.snmf4j.nativecode.Handles.Context;
import org.snmf4j.nativecode.Handles.FeatureColumns;
import org.snmf4j.nativecode.Handles.Panels;
import org.snmf4j.nativecode.Handles.Sums;

/**
 * The flat C interface of {@code native/include/snmf4j/operations.h}, function by function: what
 * each library of native code has. Nothing is checked here; {@link NativeCalls} turns statuses into
 * exceptions.
 */
public interface NativeOperations {
  int OK = 0;
  int OUT_OF_MEMORY = 2;
  int NON_FINITE = 3;
  int UNAVAILABLE = 4;

  int FLOAT32 = 0;
  int FLOAT64 = 1;
  int FLOAT16 = 2;
  int BFLOAT16 = 3;

  int RULE_MULTIPLICATIVE = 0;
  int RULE_HALS = 1;
  int RULE_LEAST_SQUARES = 2;

  BytePointer snmf4j_last_message();

  int snmf4j_context_destroy(Context context);

  int snmf4j_context_memory(Context context, long[] use);

  int snmf4j_context_reset_peak(Context context);

  int snmf4j_panels_create(
      Context context, int type, long rows, long tokens, int clear, Panels result);

  int snmf4j_panels_destroy(Panels panels);

  int snmf4j_panels_sample(Panels panels, long stride, Panels result, double[] squares);

  long snmf4j_panels_tokens(Panels panels);

  int snmf4j_panels_write_rows(
      Panels panels, int type, Buffer source, long stride, long row, long rows, double[] squares);

  int snmf4j_panels_write_tokens(
      Panels panels,
      int type,
      Buffer source,
      long stride,
      long token,
      long tokens,
      double[] squares);

  int snmf4j_panels_read_rows(Panels panels, Buffer target, long stride, long row, long rows);

  int snmf4j_features_create(Context context, long neurons, int rank, FeatureColumns result);

  int snmf4j_features_destroy(FeatureColumns features);

  int snmf4j_features_write(
      FeatureColumns features, int type, Buffer source, long neuron, long neurons);

  int snmf4j_features_read(FeatureColumns features, Buffer target, long neuron, long neurons);

  int snmf4j_features_winner_take_all(FeatureColumns features, long keep);

  int snmf4j_features_scale(FeatureColumns features, double[] factors);

  int snmf4j_features_orthonormalize(FeatureColumns features);

  int snmf4j_features_multiply(FeatureColumns left, FeatureColumns right, FeatureColumns result);

  int snmf4j_expand(FeatureColumns basis, Sums coordinates, Sums result);

  int snmf4j_compress(Panels a, FeatureColumns basis, Panels result, double[] squares);

  int snmf4j_statistics_create(Context context, long neurons, int rank, Sums result);

  int snmf4j_statistics_destroy(Sums statistics);

  int snmf4j_statistics_gram(Sums statistics, double[] gram);

  int snmf4j_statistics_row_sums(Sums statistics, double[] sums);

  int snmf4j_statistics_cross(Sums statistics, Buffer target, long neuron, long neurons);

  int snmf4j_dense_statistics(Panels a, Panels y, Sums result);

  int snmf4j_ridge_solve(Sums statistics, double ridge, FeatureColumns result);

  int snmf4j_sweep_columns(Sums statistics, FeatureColumns z, long keep, double penalty);

  int snmf4j_sweep_candidates(
      Sums statistics, FeatureColumns z, FeatureColumns candidates, long keep, double penalty);

  int snmf4j_refit(Sums statistics, FeatureColumns z, double penalty, double relaxation);

  int snmf4j_revive(
      Panels a, Sums statistics, FeatureColumns z, Panels y, long keep, int[] dead, int[] revived);

  int snmf4j_pass(
      Panels a,
      FeatureColumns z,
      Update update,
      Panels y,
      Panels result,
      int refresh,
      Sums statistics,
      double[] sums);

  int snmf4j_project(Panels a, FeatureColumns z, Panels result);

  int snmf4j_residual(Panels a, FeatureColumns z, Panels y, double[] result);
}
