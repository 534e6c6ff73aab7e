package org.snmf4j.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

/** The JVM may end at any time, kernels running or not. */
class ShutdownTest {
  @TempDir Path folder;

  /** Repeated, because what is going on at the end differs from run to run. */
  @RepeatedTest(5)
  void exitDuringFitsEndsTheJvmAsAsked() throws Exception {
    Process process =
        ChildJvm.start(
            List.of("-XX:ErrorFile=" + folder.resolve("crash.log"), "-XX:-CreateCoredumpOnCrash"),
            "exit");
    String output = ChildJvm.outputOf(process);
    assertEquals(ProbeMain.EXIT_STATUS, process.exitValue(), output);
    assertEquals("", output);
    try (var files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }
}
