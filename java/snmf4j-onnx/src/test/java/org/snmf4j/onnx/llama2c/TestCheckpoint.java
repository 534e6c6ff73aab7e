package org.snmf4j.onnx.llama2c;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random weights, written in either layout of llama2.c's checkpoints. */
final class TestCheckpoint {
  final Llama2cShape shape;
  final double rotaryBase;
  final float[] embeddings;
  final float[][] attentionNorm;
  final float[][] query;
  final float[][] key;
  final float[][] value;
  final float[][] attentionOut;
  final float[][] mlpNorm;
  final float[][] gate;
  final float[][] down;
  final float[][] up;
  final float[] finalNorm;
  final float[] output;

  private final Random random = new Random(7);

  TestCheckpoint(Llama2cShape shape) {
    this(shape, 10000);
  }

  TestCheckpoint(Llama2cShape shape, double rotaryBase) {
    this.shape = shape;
    this.rotaryBase = rotaryBase;
    int width = shape.width();
    int keys = width / shape.heads() * shape.keyValueHeads();
    embeddings = gaussian(shape.vocabulary() * width, 1);
    attentionNorm = norms();
    query = matrices(width * width, width);
    key = matrices(keys * width, width);
    value = matrices(keys * width, width);
    attentionOut = matrices(width * width, width);
    mlpNorm = norms();
    gate = matrices(shape.neurons() * width, width);
    down = matrices(width * shape.neurons(), shape.neurons());
    up = matrices(shape.neurons() * width, width);
    finalNorm = norms()[0];
    output = shape.tied() ? embeddings : gaussian(shape.vocabulary() * width, 1);
  }

  private float[] gaussian(int size, double scale) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  private float[][] matrices(int size, int in) {
    float[][] all = new float[shape.layers()][];
    for (int i = 0; i < all.length; i++) {
      all[i] = gaussian(size, 1.5 / Math.sqrt(in));
    }
    return all;
  }

  private float[][] norms() {
    float[][] all = new float[shape.layers()][];
    for (int i = 0; i < all.length; i++) {
      all[i] = gaussian(shape.width(), 0.3);
      for (int j = 0; j < shape.width(); j++) {
        all[i][j] += 1;
      }
    }
    return all;
  }

  byte[] legacy() {
    List<float[]> parts = new ArrayList<>();
    parts.add(embeddings);
    for (float[][] kind :
        List.of(attentionNorm, query, key, value, attentionOut, mlpNorm, gate, down, up)) {
      parts.addAll(List.of(kind));
    }
    parts.add(finalNorm);
    parts.add(angles(true));
    parts.add(angles(false));
    if (!shape.tied()) {
      parts.add(output);
    }
    ByteBuffer header = header(28);
    sizes(header, shape.tied() ? shape.vocabulary() : -shape.vocabulary());
    return join(header, parts);
  }

  byte[] version1() {
    ByteBuffer header = header(256);
    header.putInt(0x616b3432).putInt(1);
    sizes(header, shape.vocabulary());
    header.put((byte) (shape.tied() ? 1 : 0));
    List<float[]> parts = new ArrayList<>();
    parts.addAll(List.of(attentionNorm));
    parts.addAll(List.of(mlpNorm));
    parts.add(finalNorm);
    parts.add(embeddings);
    for (float[][] kind : List.of(query, key, value, attentionOut, gate, down, up)) {
      parts.addAll(List.of(kind));
    }
    if (!shape.tied()) {
      parts.add(output);
    }
    return join(header, parts);
  }

  private static ByteBuffer header(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void sizes(ByteBuffer header, int vocabulary) {
    header.putInt(shape.width()).putInt(shape.neurons()).putInt(shape.layers());
    header.putInt(shape.heads()).putInt(shape.keyValueHeads());
    header.putInt(vocabulary).putInt(shape.context());
  }

  private float[] angles(boolean cosine) {
    int half = shape.width() / shape.heads() / 2;
    float[] table = new float[shape.context() * half];
    for (int i = 0; i < table.length; i++) {
      double angle = i / half * Math.pow(rotaryBase, -2.0 * (i % half) / (2 * half));
      table[i] = (float) (cosine ? Math.cos(angle) : Math.sin(angle));
    }
    return table;
  }

  private static byte[] join(ByteBuffer header, List<float[]> parts) {
    int floats = parts.stream().mapToInt(part -> part.length).sum();
    ByteBuffer all =
        ByteBuffer.allocate(header.capacity() + floats * 4).order(ByteOrder.LITTLE_ENDIAN);
    all.put(header.array());
    for (float[] part : parts) {
      for (float value : part) {
        all.putFloat(value);
      }
    }
    return all.array();
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
