package org.snmf4j.onnx.graph;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.snmf4j.error.FileAccessException;

/** Checks, before anything runs, that weights outside the model's file are there. */
final class ExternalData {
  private final Path model;
  private final Path directory;
  private final Map<Path, Long> sizes = new HashMap<>();

  ExternalData(Path model) {
    this.model = model;
    this.directory = model.toAbsolutePath().normalize().getParent();
  }

  void require(TensorProto tensor) {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      entries.put(entry.getKey(), entry.getValue());
    }
    String location = entries.get("location");
    if (location == null || location.isEmpty()) {
      throw new ModelFormatException(
          model, "tensor '" + tensor.getName() + "' lies in external data at no location");
    }
    Path file = directory.resolve(location).normalize();
    if (!file.startsWith(directory)) {
      throw new ModelFormatException(
          model,
          "tensor '"
              + tensor.getName()
              + "' lies in external data '"
              + location
              + "', outside the model's directory");
    }
    long offset = number(tensor, entries, "offset");
    long length = number(tensor, entries, "length");
    long size = sizes.computeIfAbsent(file, this::size);
    if (offset < 0 || length < 0 || offset > size || length > size - offset) {
      throw new ModelFormatException(
          model,
          "tensor '"
              + tensor.getName()
              + "' lies at bytes "
              + offset
              + " to "
              + (offset + length)
              + " of external data "
              + file
              + ", which has "
              + size);
    }
  }

  private long size(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelFormatException(model, "external data " + file + " is missing");
    }
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new FileAccessException("read", file, e);
    }
  }

  private long number(TensorProto tensor, Map<String, String> entries, String key) {
    String text = entries.getOrDefault(key, "0");
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new ModelFormatException(
          model,
          "tensor '" + tensor.getName() + "' has external data with " + key + " '" + text + "'",
          e);
    }
  }
}
