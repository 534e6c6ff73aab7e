package org.snmf4j.onnx;

/** Hears how far an extraction has come. Called on the extracting thread. */
@FunctionalInterface
public interface ProgressListener {
  /**
   * @param done sentences that went through the model
   * @param total all sentences
   */
  void progress(int done, int total);
}
