package org.snmf4j.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.tck.nativecode.ChildJvm;

/** Where native code comes from, and what happens where it does not; each case in its own JVM. */
class NativeLibraryTest {
  @TempDir Path folder;

  @Test
  void runsFromTheClassPath() throws Exception {
    String output = run(List.of("-Dsnmf4j.native.cache=" + folder));
    assertTrue(output.contains("available=true"), output);
    assertTrue(output.contains("ran=cpu"), output);
    try (var files = Files.walk(folder)) {
      List<Path> unpacked = files.filter(Files::isRegularFile).toList();
      assertEquals(1, unpacked.size(), "one library, no leftovers: " + unpacked);
      assertTrue(unpacked.get(0).endsWith(System.mapLibraryName(CpuLibrary.NAME)));
    }
  }

  @Test
  void replacesATamperedCopy() throws Exception {
    run(List.of("-Dsnmf4j.native.cache=" + folder));
    Path library;
    try (var files = Files.walk(folder)) {
      library = files.filter(Files::isRegularFile).findFirst().orElseThrow();
    }
    Files.writeString(library, "not a library");
    String output = run(List.of("-Dsnmf4j.native.cache=" + folder));
    assertTrue(output.contains("ran=cpu"), output);
  }

  @Test
  void processesMayRaceToUnpack() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start(List.of("-Dsnmf4j.native.cache=" + folder)));
    }
    for (Process process : processes) {
      String output = outputOf(process);
      assertTrue(output.contains("ran=cpu"), output);
    }
    try (var files = Files.walk(folder)) {
      assertEquals(1, files.filter(Files::isRegularFile).count(), "one library, no leftovers");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void nobodyElseMayWriteWhereTheLibraryLies() throws Exception {
    run(List.of("-Dsnmf4j.native.cache=" + folder));
    Path unpacked;
    try (var files = Files.list(folder)) {
      unpacked = files.findFirst().orElseThrow();
    }
    assertEquals("rwx------", permissions(unpacked));
    Files.setPosixFilePermissions(unpacked, PosixFilePermissions.fromString("rwxrwxrwx"));
    String output = run(List.of("-Dsnmf4j.native.cache=" + folder));
    assertTrue(output.contains("ran=cpu"), output);
    assertEquals("rwx------", permissions(unpacked));
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"snmf4j.native.path", "snmf4j.native.cache"})
  void whatIsNoPathIsACause(String property) throws Exception {
    // A property from the command line cannot hold a null character; one set by a program can.
    String output = run(List.of(), "path=" + property);
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains(property), output);
    assertTrue(output.contains("Nul character not allowed"), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @Test
  void disabledFallsBackToJavaAndSaysWhyOnce() throws Exception {
    String output = run(List.of("-Dsnmf4j.native.disable=true"));
    assertTrue(
        output.contains("detail=native code is disabled by -Dsnmf4j.native.disable=true"), output);
    assertTrue(output.contains("ran=java"), output);
    assertEquals(1, output.split("passed over", -1).length - 1, output);
  }

  @Test
  void anExplicitPathIsTakenAloneAndItsFailureKept() throws Exception {
    String output = run(List.of("-Dsnmf4j.native.path=" + folder));
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("detail=-Dsnmf4j.native.path: "), output);
    assertTrue(output.contains(folder.toString()), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @Test
  void anExplicitPathMayBeTheFolder() throws Exception {
    Path library = folder.resolve(System.mapLibraryName(CpuLibrary.NAME));
    String resource = "native/linux-x86_64/" + library.getFileName();
    try (var stream = CpuLibrary.class.getResourceAsStream(resource)) {
      Files.write(library, stream.readAllBytes());
    }
    String output = run(List.of("-Dsnmf4j.native.path=" + folder));
    assertTrue(output.contains("kernels from " + library), output);
    assertTrue(output.contains("ran=cpu"), output);
  }

  @Test
  void aFileThatIsNoLibraryIsACauseNotACrash() throws Exception {
    Path file = Files.writeString(folder.resolve("fake.so"), "not a library");
    String output = run(List.of("-Dsnmf4j.native.path=" + file));
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("fake.so"), output);
  }

  @Test
  void aCacheThatCannotBeWrittenIsACause() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    String output = run(List.of("-Dsnmf4j.native.cache=" + file));
    assertTrue(output.contains("set -Dsnmf4j.native.cache"), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @Test
  void openBlasMayComeFromElsewhereAndItsAbsenceIsACause() throws Exception {
    String output = run(List.of("-Dsnmf4j.openblas.path=" + folder.resolve("none.so")));
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains("none.so is not a file"), output);
  }

  @Test
  void twoClassLoadersEachGetTheLibrary() throws Exception {
    String output = run(List.of("-Dsnmf4j.native.cache=" + folder), "loaders");
    assertEquals(2, output.split("ran=cpu", -1).length - 1, output);
  }

  @ParameterizedTest
  @ValueSource(strings = {"portable", "avx2", "avx512"})
  void anInstructionSetCanBeForced(String isa) throws Exception {
    String output = run(List.of("-Dsnmf4j.cpu.isa=" + isa));
    int best = CpuLibrary.snmf4j_best_isa();
    int wanted = List.of("", "portable", "avx2", "avx512").indexOf(isa);
    if (wanted <= best) {
      assertTrue(output.contains("on=" + isa + " kernels"), output);
    } else {
      assertTrue(output.contains("-Dsnmf4j.cpu.isa=" + isa + " but this CPU runs"), output);
      assertTrue(output.contains("ran=java"), output);
    }
  }

  @Test
  void anUnknownInstructionSetIsACause() throws Exception {
    String output = run(List.of("-Dsnmf4j.cpu.isa=mmx"));
    assertTrue(output.contains("mmx but must be one of avx512, avx2, portable"), output);
  }

  private static String run(List<String> options, String... arguments) throws Exception {
    return outputOf(start(options, arguments));
  }

  @Test
  void activationsMayBeFarLargerThanTheHeap() throws Exception {
    // 320 MB of them, twice what JavaCPP would let the process hold by default.
    List<String> options = List.of("-Xmx40m", "-XX:MaxDirectMemorySize=400m");
    assertEquals("iterations=4", outputOf(start(options, "large")).strip());
  }

  private static Process start(List<String> options, String... arguments) throws Exception {
    // The library must be loaded here, too, for the test of instruction sets.
    assertTrue(CpuLibrary.outcome().loaded(), CpuLibrary.outcome().failure());
    return ChildJvm.start(CpuBackendProvider.NAME, options, arguments);
  }

  private static String outputOf(Process process) throws Exception {
    String output = ChildJvm.outputOf(process);
    assertEquals(0, process.exitValue(), output);
    return output;
  }
}
