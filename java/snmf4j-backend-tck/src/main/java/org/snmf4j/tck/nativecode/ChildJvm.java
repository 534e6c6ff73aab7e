package org.snmf4j.tck.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@link ProbeMain} in a JVM of its own. */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * Starts it, with this JVM's class path unless the options bring one.
   *
   * @param backend name of the one that is tried
   * @param options of the JVM
   * @param arguments see {@link ProbeMain#main}
   */
  public static Process start(String backend, List<String> options, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    if (!options.contains("-cp")) {
      command.add("-cp");
      command.add(System.getProperty("java.class.path"));
    }
    command.add(ProbeMain.class.getName());
    command.add(backend);
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** As {@link #start}, waits for its end, which must be a success, and returns what it said. */
  public static String run(String backend, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    Process process = start(backend, options, arguments);
    String output = outputOf(process);
    assertEquals(0, process.exitValue(), output);
    return output;
  }

  /** What it said until it ended. */
  public static String outputOf(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the JVM hangs");
    return output;
  }
}
