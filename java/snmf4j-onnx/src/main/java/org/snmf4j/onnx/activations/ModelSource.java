package org.snmf4j.onnx.activations;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.snmf4j.error.FileAccessException;

/**
 * The model that activations come from.
 *
 * @param file name of its file, without directories
 * @param sha256 SHA-256 of that file in lower-case hexadecimal (external data not included)
 */
public record ModelSource(String file, String sha256) {

  /** Reads a model's file to compute its digest. */
  public static ModelSource of(Path model) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    byte[] buffer = new byte[1 << 16];
    try (InputStream input = Files.newInputStream(model)) {
      for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
        digest.update(buffer, 0, count);
      }
    } catch (IOException e) {
      throw new FileAccessException("read", model, e);
    }
    return new ModelSource(
        model.getFileName().toString(), HexFormat.of().formatHex(digest.digest()));
  }
}
