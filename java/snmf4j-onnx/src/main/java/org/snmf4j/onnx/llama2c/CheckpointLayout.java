package org.snmf4j.onnx.llama2c;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Where which weights of a checkpoint begin. All are float32, matrices {@code [out, in]}. */
final class CheckpointLayout {
  /** One kind of weights. */
  enum Kind {
    EMBEDDINGS,
    ATTENTION_NORM,
    QUERY,
    KEY,
    VALUE,
    ATTENTION_OUT,
    MLP_NORM,
    GATE,
    DOWN,
    UP,
    FINAL_NORM,
    COSINES,
    SINES,
    OUTPUT
  }

  private static final List<Kind> LEGACY =
      List.of(
          Kind.EMBEDDINGS,
          Kind.ATTENTION_NORM,
          Kind.QUERY,
          Kind.KEY,
          Kind.VALUE,
          Kind.ATTENTION_OUT,
          Kind.MLP_NORM,
          Kind.GATE,
          Kind.DOWN,
          Kind.UP,
          Kind.FINAL_NORM,
          Kind.COSINES,
          Kind.SINES,
          Kind.OUTPUT);

  private static final List<Kind> VERSION_1 =
      List.of(
          Kind.ATTENTION_NORM,
          Kind.MLP_NORM,
          Kind.FINAL_NORM,
          Kind.EMBEDDINGS,
          Kind.QUERY,
          Kind.KEY,
          Kind.VALUE,
          Kind.ATTENTION_OUT,
          Kind.GATE,
          Kind.DOWN,
          Kind.UP,
          Kind.OUTPUT);

  private final Llama2cShape shape;
  private final Map<Kind, Long> offsets = new EnumMap<>(Kind.class);
  private final long bytes;

  CheckpointLayout(CheckpointHeader header) {
    shape = header.shape();
    long at = header.legacy() ? CheckpointHeader.LEGACY_BYTES : CheckpointHeader.BYTES;
    for (Kind kind : header.legacy() ? LEGACY : VERSION_1) {
      if (kind == Kind.OUTPUT && shape.tied()) {
        continue;
      }
      offsets.put(kind, at);
      // The header's limits keep this below 2^59 bytes.
      at += Float.BYTES * size(kind) * (perLayer(kind) ? shape.layers() : 1);
    }
    bytes = at;
  }

  /** Length of the whole file. */
  long bytes() {
    return bytes;
  }

  /** Whether the checkpoint holds weights of this kind. */
  boolean has(Kind kind) {
    return offsets.containsKey(kind);
  }

  /**
   * Offset of the first byte.
   *
   * @param layer 0 for what the model has once
   */
  long offset(Kind kind, int layer) {
    return offsets.get(kind) + Float.BYTES * size(kind) * layer;
  }

  /** Number of elements, of one layer where every layer has such weights. */
  long size(Kind kind) {
    long width = shape.width();
    return switch (kind) {
      case EMBEDDINGS, OUTPUT -> shape.vocabulary() * width;
      case ATTENTION_NORM, MLP_NORM, FINAL_NORM -> width;
      case QUERY, ATTENTION_OUT -> width * width;
      case KEY, VALUE -> width * shape.keyValueWidth();
      case GATE, DOWN, UP -> width * shape.neurons();
      case COSINES, SINES -> (long) shape.context() * (shape.headWidth() / 2);
    };
  }

  private static boolean perLayer(Kind kind) {
    return switch (kind) {
      case EMBEDDINGS, FINAL_NORM, COSINES, SINES, OUTPUT -> false;
      default -> true;
    };
  }
}
