package org.snmf4j.onnx;

/** Hears how far an extraction or a generation has come. Called on the thread that runs it. */
@FunctionalInterface
public interface ProgressListener {
  /**
   * @param done sequences that are finished
   * @param total all sequences
   */
  void progress(int done, int total);
}
