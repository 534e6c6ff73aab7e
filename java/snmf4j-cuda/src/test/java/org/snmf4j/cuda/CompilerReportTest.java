package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

  private static final Pattern COMPILING =
      Pattern.compile("Compiling entry function '(\\w+)' for '(\\w+)'");

  private static final Pattern SPILLS =
      Pattern.compile(
          "(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");

  /**
   * Kernels that spill a few registers on some architecture, and the most bytes that they may
   * store; none of them is hot: the refit of rows with many features, and the revival of features.
   */
  private static final Map<String, Integer> KNOWN = Map.of("refit_long", 8, "normalize", 4);

  private static boolean known(String kernel, int bytes) {
    return KNOWN.entrySet().stream()
        .anyMatch(entry -> kernel.contains(entry.getKey()) && bytes <= entry.getValue());
  }

  private static List<Path> reports() throws Exception {
    Path build = Path.of(System.getProperty("snmf4j.test.native.build"), "cuda");
    try (Stream<Path> files = Files.walk(build)) {
      return files.filter(file -> file.toString().endsWith(".cu.o.report")).toList();
    }
  }

  @Test
  void noOtherKernelSpillsRegistersOnAnyArchitecture() throws Exception {
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
            && !known(kernel, Integer.parseInt(spills.group(2)))) {
          spilling.add(kernel + ": " + line.strip());
        }
      }
    }
    assertEquals(ARCHITECTURES, architectures);
    assertTrue(kernels >= 400, "only " + kernels + " kernels");
    assertEquals(List.of(), spilling);
  }
}
