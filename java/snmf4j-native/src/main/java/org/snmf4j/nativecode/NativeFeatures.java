package org.snmf4j.nativecode;

import org.snmf4j.backend.Features;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.nativecode.Handles.FeatureColumns;

/** Features in native memory. */
final class NativeFeatures extends Features {
  private final NativeOperations library;
  final FeatureColumns columns;

  NativeFeatures(NativeBackend owner, int neurons, int rank, FeatureColumns columns) {
    super(owner, neurons, rank);
    this.library = owner.operations();
    this.columns = columns;
  }

  @Override
  protected void doUpload(Matrix values) {
    for (int from = 0; from < neurons(); from += Blocks.ROWS) {
      int count = Math.min(Blocks.ROWS, neurons() - from);
      int status =
          library.snmf4j_features_write(
              columns,
              NativeOperations.FLOAT32,
              Transfer.copyRows(values, from, count),
              from,
              count);
      if (status == NativeOperations.NON_FINITE) {
        throw new InvalidArgumentException(
            "features",
            "larger than float32 somewhere",
            "at most " + Float.MAX_VALUE + " in magnitude");
      }
      NativeCalls.check(library, status, "upload the features");
    }
  }

  @Override
  protected Matrix doDownload() {
    return Blocks.read(
        library,
        neurons(),
        rank(),
        (target, from, count) -> library.snmf4j_features_read(columns, target, from, count));
  }

  @Override
  protected void free() {
    library.snmf4j_features_destroy(columns);
    columns.setNull();
  }
}
