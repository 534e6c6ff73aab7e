package org.snmf4j.tck.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

/** The JVM may end at any time, kernels running or not. */
public abstract class ShutdownSuite {
  private final String name;
  private final int neurons;
  private final List<String> options;

  @TempDir Path folder;

  /**
   * @param name the backend's
   * @param neurons of the activations that are factorized meanwhile
   * @param options of the JVM
   */
  protected ShutdownSuite(String name, int neurons, String... options) {
    this.name = name;
    this.neurons = neurons;
    this.options = List.of(options);
  }

  /** Repeated, because what is going on at the end differs from run to run. */
  @RepeatedTest(5)
  void exitDuringFitsEndsTheJvmAsAsked() throws Exception {
    List<String> all = new ArrayList<>(options);
    all.add("-XX:ErrorFile=" + folder.resolve("crash.log"));
    all.add("-XX:-CreateCoredumpOnCrash");
    Process process = ChildJvm.start(name, all, "exit=" + neurons);
    String output = ChildJvm.outputOf(process);
    assertEquals(ProbeMain.EXIT_STATUS, process.exitValue(), output);
    assertEquals("", output);
    try (var files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }
}
