package org.snmf4j.onnx;

import java.nio.file.Path;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.ActivationStoreWriter;
import org.snmf4j.onnx.activations.ModelSource;
import org.snmf4j.onnx.activations.TokenTable;

/** Activations in a directory, which appears when all are there. */
final class StoreSink implements ActivationConsumer, AutoCloseable {
  private final Path directory;
  private final ModelSource source;
  private ActivationStoreWriter writer;

  StoreSink(Path directory, ModelSource source) {
    this.directory = directory;
    this.source = source;
  }

  @Override
  public void begin(TokenTable tokens) {
    writer = ActivationStoreWriter.create(directory, source, tokens);
  }

  @Override
  public void accept(ActivationBlock block) {
    writer.write(
        block.site(),
        block.layer(),
        block.dimension(),
        block.firstToken(),
        block.values(),
        0,
        block.tokens());
  }

  ActivationStore commit() {
    return writer.commit();
  }

  /** Removes what was not committed. */
  @Override
  public void close() {
    if (writer != null) {
      writer.close();
    }
  }
}
