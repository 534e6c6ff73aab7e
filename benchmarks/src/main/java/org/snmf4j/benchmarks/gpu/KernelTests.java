package org.snmf4j.benchmarks.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The native tests that CTest runs on the host twin, here on the device. */
final class KernelTests implements Part.Check {
  private static final Pattern CASES =
      Pattern.compile("test cases: *(\\d+) *\\| *(\\d+) passed *\\| *(\\d+) failed");

  @Override
  public boolean startsProcesses() {
    return true;
  }

  @Override
  public void run(Settings settings, Findings findings) throws Exception {
    String missing = settings.whyNoPrograms();
    if (missing != null) {
      findings.skip(missing);
      return;
    }
    for (String name : names(settings)) {
      Processes.Ended ended =
          Processes.run(
              settings, "kernels-" + name + ".log", environment(settings), command(settings, name));
      report(name, ended, findings);
    }
  }

  /** The test files. */
  static List<String> names(Settings settings) throws IOException {
    List<String> lines = Files.readAllLines(settings.program("tests.txt"));
    return lines.stream().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }

  static List<String> command(Settings settings, String name) {
    List<String> command = new ArrayList<>();
    command.add(settings.program("cuda_device_tests").toString());
    command.add("--no-colors");
    command.add("--source-file=*" + name + ".cpp");
    return command;
  }

  /** The programs take cuBLAS from here, or by its name from the system's library path. */
  static Map<String, String> environment(Settings settings) {
    if (settings.cublas == null) {
      return Map.of();
    }
    Path path = settings.cublas.toAbsolutePath();
    return Files.isDirectory(path)
        ? Map.of("LD_LIBRARY_PATH", path + ":" + path.resolve("lib64") + ":" + path.resolve("lib"))
        : Map.of("SNMF4J_CUBLAS", path.toString());
  }

  /** Judges a run of test cases. */
  static void report(String name, Processes.Ended ended, Findings findings) throws IOException {
    Matcher cases = CASES.matcher(ended.output());
    if (!cases.find()) {
      findings.error(name + " " + ended.how() + ":\n    " + ended.tail());
      return;
    }
    findings.atLeast(name + ", test cases passed", Double.parseDouble(cases.group(2)), "", 1);
    if (ended.status() != 0) {
      findings.error(
          name + " " + ended.how() + ", " + cases.group(3) + " failed:\n    " + ended.tail());
    }
  }
}
