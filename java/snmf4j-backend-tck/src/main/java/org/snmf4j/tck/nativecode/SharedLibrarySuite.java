package org.snmf4j.tck.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a built library needs from a system and what it shows to it, read by binutils. */
public abstract class SharedLibrarySuite {
  private final String library;
  private final Set<String> more;

  /**
   * @param library the file
   * @param more libraries that it may need besides those of the C and C++ runtimes
   */
  protected SharedLibrarySuite(Path library, String... more) {
    this.library = library.toString();
    this.more = Set.of(more);
  }

  @Test
  void needsOnlyTheSystemsOwnLibraries() throws Exception {
    Set<String> needed = new TreeSet<>();
    Matcher matcher =
        Pattern.compile("\\(NEEDED\\).*\\[(.*)]").matcher(run("readelf", "-d", library));
    while (matcher.find()) {
      needed.add(matcher.group(1));
    }
    Set<String> allowed =
        Set.of(
            "libc.so.6",
            "libm.so.6",
            "libdl.so.2",
            "libpthread.so.0",
            "libstdc++.so.6",
            "libgcc_s.so.1",
            "ld-linux-x86-64.so.2",
            "ld-linux-aarch64.so.1");
    assertTrue(needed.contains("libc.so.6"), needed.toString());
    needed.removeAll(allowed);
    needed.removeAll(more);
    assertEquals(Set.of(), needed);
  }

  @Test
  void leaksNoBuildFolder() throws Exception {
    String dynamic = run("readelf", "-d", library);
    assertTrue(!dynamic.contains("RUNPATH") && !dynamic.contains("RPATH"), dynamic);
  }

  @Test
  void showsOnlyItsInterface() throws Exception {
    int seen = 0;
    for (String line : run("nm", "-D", "--defined-only", library).lines().toList()) {
      String symbol = line.substring(line.lastIndexOf(' ') + 1);
      assertTrue(symbol.matches("snmf4j_.*|Java_org_snmf4j_.*|JNI_On.*"), symbol);
      seen++;
    }
    assertTrue(seen > 40, "only " + seen + " symbols");
  }

  @Test
  void runsOnDebian12AndUbuntu2204() throws Exception {
    Matcher matcher =
        Pattern.compile("(GLIBC|GLIBCXX)_(\\d+)\\.(\\d+)(\\.(\\d+))?")
            .matcher(run("objdump", "-T", library));
    while (matcher.find()) {
      int minor = Integer.parseInt(matcher.group(3));
      if (matcher.group(1).equals("GLIBC")) {
        // Ubuntu 22.04 has glibc 2.35 and, from GCC 12, GLIBCXX 3.4.30.
        assertTrue(minor <= 35, matcher.group());
      } else if (matcher.group(5) != null) {
        assertTrue(Integer.parseInt(matcher.group(5)) <= 30, matcher.group());
      }
    }
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
    return output;
  }
}
