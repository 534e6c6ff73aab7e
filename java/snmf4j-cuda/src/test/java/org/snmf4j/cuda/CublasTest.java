package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CublasTest {
  @TempDir Path folder;

  @AfterEach
  void clear() {
    System.clearProperty(Cublas.PATH);
  }

  private Path library(String inside) throws Exception {
    Path place = Files.createDirectories(folder.resolve(inside));
    return Files.createFile(place.resolve("libcublas.so.13"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "lib64", "targets/x86_64-linux/lib", "nvidia/cu13/lib", "nvidia/cublas/lib"})
  void liesInAToolkitsFolderOrAmongPythonsPackages(String inside) throws Exception {
    Path file = library(inside);
    assertEquals(file, Cublas.search(null, List.of(folder)).file());
    System.setProperty(Cublas.PATH, folder.toString());
    assertEquals(file, Cublas.find().file());
  }

  @Test
  void thePropertyMayNameTheFile() throws Exception {
    Path file = Files.createFile(folder.resolve("any-name.so"));
    System.setProperty(Cublas.PATH, file.toString());
    assertEquals(file, Cublas.find().file());
  }

  @Test
  void whatThePresetFindsComesFirst() throws Exception {
    library("");
    Path preset = folder.resolve("preset.so");
    assertEquals(preset, Cublas.search(preset, List.of(folder)).file());
  }

  @Test
  void aFolderWithoutItIsNamedAndSoAreOtherVersions() throws Exception {
    Path old = Files.createDirectories(folder.resolve("lib64")).resolve("libcublas.so.12");
    Files.createFile(old);
    System.setProperty(Cublas.PATH, folder.toString());
    String failure = Cublas.find().failure();
    assertTrue(
        failure.startsWith(
            "-Dsnmf4j.cublas.path=" + folder + ": cuBLAS, libcublas.so.13, is not in "),
        failure);
    assertTrue(failure.contains(folder.resolve("lib64").toString()), failure);
    assertTrue(failure.contains("there are only [" + old + "]"), failure);
    assertTrue(failure.contains("set -Dsnmf4j.cublas.path to the library"), failure);
  }

  @Test
  void whatIsNoPathIsNamed() {
    System.setProperty(Cublas.PATH, folder.resolve("none").toString());
    assertEquals(
        "-Dsnmf4j.cublas.path=" + folder.resolve("none") + " is neither a file nor a folder",
        Cublas.find().failure());
    System.setProperty(Cublas.PATH, "no\0path");
    assertFalse(Cublas.find().found());
    assertTrue(Cublas.find().failure().contains("-Dsnmf4j.cublas.path is no path"));
  }

  @Test
  void theEnvironmentsFoldersComeBeforeTheUsualOnes() {
    List<Path> folders =
        Cublas.folders(Map.of("CUDA_PATH", "/opt/toolkit", "LD_LIBRARY_PATH", "/one::/two"));
    assertEquals(
        List.of(Path.of("/opt/toolkit"), Path.of("/one"), Path.of("/two")), folders.subList(0, 3));
    assertTrue(folders.contains(Path.of("/usr/local/cuda")), folders.toString());
  }
}
