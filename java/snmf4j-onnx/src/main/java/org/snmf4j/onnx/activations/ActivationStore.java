package org.snmf4j.onnx.activations;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.io.NpyFile;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.matrix.Matrix;

/**
 * Activations on disk: a directory with {@code manifest.json}, {@code tokens.json} and, for every
 * site and layer, {@code SITE.LAYER.safetensors} with the float32 tensor {@code activations} {@code
 * [n, d]}.
 *
 * <p>Matrices are mapped, not read; the directory must not change while they live. Immutable and
 * safe for use by several threads.
 */
public final class ActivationStore {
  private final Path directory;
  private final Manifest manifest;
  private final TokenTable tokens;

  ActivationStore(Path directory, Manifest manifest, TokenTable tokens) {
    this.directory = directory;
    this.manifest = manifest;
    this.tokens = tokens;
  }

  /**
   * Opens a store.
   *
   * @throws FileFormatException if the directory is no store, or one that is damaged
   * @throws FileAccessException if it cannot be read
   */
  public static ActivationStore open(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new FileAccessException(
          "read",
          directory,
          new FileSystemException(
              directory.toString(),
              null,
              Files.exists(directory) ? "is not a directory" : "does not exist"));
    }
    Manifest manifest = Manifest.read(directory.resolve(Manifest.FILE));
    TokenTable tokens =
        TokenTableFile.read(directory.resolve(TokenTableFile.FILE), manifest.tokens());
    if (tokens.isLabelled() != manifest.labelled()) {
      throw new FileFormatException(
          directory.resolve(Manifest.FILE),
          "'labelled' is "
              + manifest.labelled()
              + " but "
              + TokenTableFile.FILE
              + (tokens.isLabelled() ? " has labels" : " has none"));
    }
    return new ActivationStore(directory, manifest, tokens);
  }

  /** Where the store lies. */
  public Path directory() {
    return directory;
  }

  /** The model that the activations come from. */
  public ModelSource model() {
    return manifest.model();
  }

  /** The sites, in the order of {@link Site}. */
  public List<Site> sites() {
    return manifest.files().stream().map(StoredFile::site).distinct().sorted().toList();
  }

  /** The layers of a site, ascending; empty if the store does not have the site. */
  public List<Integer> layers(Site site) {
    return manifest.files().stream()
        .filter(file -> file.site() == site)
        .map(StoredFile::layer)
        .sorted()
        .toList();
  }

  /** The n tokens. */
  public TokenTable tokens() {
    return tokens;
  }

  /**
   * The activations of a site of a layer; the caller closes them.
   *
   * @throws InvalidArgumentException if the store does not have them
   * @throws FileFormatException if their file is damaged
   */
  public ActivationSet load(Site site, int layer) {
    StoredFile stored = find(site, layer);
    Path file = directory.resolve(stored.name());
    if (!Files.exists(file)) {
      throw new FileFormatException(file, "missing from its activation store");
    }
    try (SafeTensors tensors = SafeTensors.open(file)) {
      if (!tensors.names().equals(Set.of(StoredFile.TENSOR))) {
        throw new FileFormatException(
            file,
            "holds tensors " + tensors.names() + " but must hold '" + StoredFile.TENSOR + "'");
      }
      long[] shape = tensors.shape(StoredFile.TENSOR);
      long[] expected = {tokens.size(), stored.dimension()};
      if (!Arrays.equals(shape, expected)) {
        throw new FileFormatException(
            file,
            "its shape is "
                + Arrays.toString(shape)
                + " but the manifest says "
                + Arrays.toString(expected));
      }
      Matrix matrix = tensors.matrix(StoredFile.TENSOR);
      return new ActivationSet(site, layer, matrix, tokens);
    }
  }

  private StoredFile find(Site site, int layer) {
    if (layers(site).isEmpty()) {
      throw new InvalidArgumentException(
          "site",
          site.id(),
          "one that "
              + directory
              + " has: "
              + sites().stream().map(Site::id).collect(Collectors.joining(", ")));
    }
    return manifest.files().stream()
        .filter(file -> file.site() == site && file.layer() == layer)
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidArgumentException(
                    "layer", layer, "one that " + directory + " has: " + layers(site)));
  }

  /**
   * Writes every site and layer as {@code SITE.LAYER.npy}, float32 {@code [d, n]} in C order, a
   * column per token in the order of {@link #tokens()}.
   *
   * @param target an existing directory, perhaps the store's own
   * @return the files
   */
  public List<Path> exportNpy(Path target) {
    List<Path> files = new ArrayList<>();
    for (StoredFile stored : manifest.files()) {
      Path file = target.resolve(stored.exportName());
      try (ActivationSet activations = load(stored.site(), stored.layer())) {
        NpyFile.write(file, activations.matrix());
      }
      files.add(file);
    }
    return files;
  }

  /** Refuses to replace anything that this class did not write. */
  static void requireReplaceable(Path directory) {
    if (!Files.exists(directory)) {
      return;
    }
    if (!Files.isDirectory(directory)) {
      throw new InvalidArgumentException(
          "output directory", directory + ", a file,", "a directory or missing");
    }
    List<String> names;
    try (Stream<Path> files = Files.list(directory)) {
      names = files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new FileAccessException("read", directory, e);
    }
    if (names.isEmpty()) {
      return;
    }
    if (!Manifest.isIn(directory)) {
      throw new InvalidArgumentException(
          "output directory",
          directory + ", which holds " + names.get(0) + " and no activation store,",
          "missing, empty or an activation store");
    }
    names.stream()
        .filter(name -> !isOwn(name))
        .findFirst()
        .ifPresent(
            name -> {
              throw new InvalidArgumentException(
                  "output directory",
                  directory + ", an activation store that also holds " + name + ",",
                  "free of other files, because it is replaced as a whole");
            });
  }

  private static boolean isOwn(String name) {
    return name.equals(Manifest.FILE)
        || name.equals(TokenTableFile.FILE)
        || Arrays.stream(Site.values())
            .anyMatch(site -> name.matches(site.id() + "\\.\\d+\\.(safetensors|npy)"));
  }
}
