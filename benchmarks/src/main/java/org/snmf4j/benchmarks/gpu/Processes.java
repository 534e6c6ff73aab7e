package org.snmf4j.benchmarks.gpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Programs that the check runs beside itself, so that what ends them does not end the check. */
final class Processes {
  private static final int LAST_LINES = 15;

  /** Seconds that programs have to end by themselves once they are told to. */
  private static final long GRACE = 5;

  private static boolean ending;

  private Processes() {}

  /** What ends this JVM ends what it has started, which would keep the device busy. */
  static void endWithThis() {
    Runtime.getRuntime().addShutdownHook(new Thread(Processes::end));
  }

  private static void end() {
    synchronized (Processes.class) {
      ending = true;
    }
    // A JVM among them has this hook, too, and so starts nothing that is not seen here.
    List<ProcessHandle> all = ProcessHandle.current().descendants().toList();
    all.forEach(ProcessHandle::destroy);
    CompletableFuture<?>[] ends =
        all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new);
    try {
      CompletableFuture.allOf(ends).get(GRACE, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      all.forEach(ProcessHandle::destroyForcibly);
    }
  }

  private static synchronized Process start(ProcessBuilder builder)
      throws IOException, InterruptedException {
    holdIfEnding();
    return builder.start();
  }

  /**
   * Does not return while the JVM ends: nothing is started then, and nobody takes a program that
   * was ended for one that failed.
   */
  private static synchronized void holdIfEnding() throws InterruptedException {
    while (ending) {
      Processes.class.wait();
    }
  }

  /**
   * How a program ended.
   *
   * @param status its exit status; −1 if it was ended for taking too long
   * @param log what it printed
   */
  record Ended(int status, Path log) {
    String output() throws IOException {
      return Files.readString(log, StandardCharsets.ISO_8859_1);
    }

    /** The end of what it printed, for messages. */
    String tail() throws IOException {
      List<String> lines = output().lines().filter(line -> !line.isBlank()).toList();
      int from = Math.max(0, lines.size() - LAST_LINES);
      return String.join("\n    ", lines.subList(from, lines.size()));
    }

    /** The last line it printed. */
    String last() throws IOException {
      return output().strip().lines().reduce("", (before, line) -> line);
    }

    String how() {
      return status == -1 ? "took too long" : "ended with status " + status;
    }
  }

  /**
   * Runs a program to its end or to the time limit.
   *
   * @param log file of {@link Settings#work} that takes its output
   */
  static Ended run(
      Settings settings, String log, Map<String, String> environment, List<String> command)
      throws IOException, InterruptedException {
    Path output = settings.work.resolve(log);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(settings.work.toFile())
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    Process process = start(builder);
    try {
      if (!process.waitFor(settings.minutes, TimeUnit.MINUTES)) {
        return new Ended(-1, output);
      }
      holdIfEnding();
      return new Ended(process.exitValue(), output);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  /** A Java virtual machine like this one. */
  static Ended java(Settings settings, String log, List<String> options, List<String> rest)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:MaxDirectMemorySize=" + memory() / 10 * 8);
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(settings.properties());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(rest);
    return run(settings, log, Map.of(), command);
  }

  /** Bytes of memory of this host. */
  static long memory() throws IOException {
    return memory("MemTotal");
  }

  /**
   * Bytes that {@code /proc/meminfo} tells.
   *
   * @param name as it has it
   */
  static long memory(String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
      if (line.startsWith(name + ":")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("/proc/meminfo does not tell " + name);
  }
}
