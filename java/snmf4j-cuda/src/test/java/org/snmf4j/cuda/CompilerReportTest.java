package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What nvcc reported about the kernels when it compiled them. */
class CompilerReportTest {
  private static final Set<String> ARCHITECTURES =
      Set.of("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120");

  /**
   * Kernels that hardly ever run, and may keep a register or two in memory while they call CUDA's
   * float64 square root: least squares of a neuron that more than 32 features use.
   */
  private static final Set<String> COLD = Set.of("refit_long");

  private static final Pattern COMPILING =
      Pattern.compile("Compiling entry function '(\\w+)' for '(\\w+)'");

  private static final Pattern SPILLS =
      Pattern.compile(
          "(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");

  private static List<Path> reports() throws Exception {
    Path build = Path.of(System.getProperty("snmf4j.test.native.build"), "cuda");
    try (Stream<Path> files = Files.walk(build)) {
      return files.filter(file -> file.toString().endsWith(".cu.o.report")).toList();
    }
  }

  @Test
  void noHotKernelSpillsRegistersOnAnyArchitecture() throws Exception {
    List<Path> reports = reports();
    assumeFalse(reports.isEmpty(), "NOT RUN: built without nvcc, no kernel has been compiled");
    Set<String> architectures = new TreeSet<>();
    List<String> spilling = new ArrayList<>();
    int kernels = 0;
    for (Path report : reports) {
      String kernel = null;
      for (String line : Files.readAllLines(report)) {
        Matcher compiling = COMPILING.matcher(line);
        Matcher spills = SPILLS.matcher(line);
        if (compiling.find()) {
          kernel = compiling.group(1) + " for " + compiling.group(2);
          architectures.add(compiling.group(2));
          kernels++;
        } else if (spills.find()
            && !(spills.group(2) + spills.group(3)).equals("00")
            && COLD.stream().noneMatch(kernel::contains)) {
          spilling.add(kernel + ": " + line.strip());
        }
      }
    }
    assertEquals(ARCHITECTURES, architectures);
    assertTrue(kernels >= 100, "only " + kernels + " kernels");
    assertEquals(List.of(), spilling);
  }
}
