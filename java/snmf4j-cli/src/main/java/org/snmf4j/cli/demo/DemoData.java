package org.snmf4j.cli.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.io.AtomicFile;

/** The demo's sentences: concepts, each with twenty sentences that hold it. */
public final class DemoData {
  private static final String NAME = "concepts.json";

  private DemoData() {}

  /**
   * Writes the data set into a directory, for the user to read and change.
   *
   * @return its file
   */
  public static Path write(Path directory) {
    Path file = directory.resolve(NAME);
    try (InputStream source = DemoData.class.getResourceAsStream(NAME)) {
      if (source == null) {
        throw new IllegalStateException(NAME + " is missing from the command's jar");
      }
      AtomicFile.write(file, channel -> source.transferTo(Channels.newOutputStream(channel)));
    } catch (IOException e) {
      throw new FileAccessException("write", file, e);
    }
    return file;
  }
}
