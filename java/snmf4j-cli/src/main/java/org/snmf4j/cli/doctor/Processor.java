package org.snmf4j.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The processor as Linux describes it. */
final class Processor {
  // The features that decide which kernels run.
  private static final List<String> FEATURES =
      List.of(
          "sse4_2",
          "avx",
          "avx2",
          "fma",
          "f16c",
          "avx512f",
          "avx512bw",
          "avx512dq",
          "avx512vl",
          "avx512_bf16",
          "amx_bf16");

  private Processor() {}

  static Map<String, Object> describe() {
    Map<String, Object> facts = new LinkedHashMap<>();
    List<String> lines = lines(Path.of("/proc/cpuinfo"));
    facts.put("model", value(lines, "model name").orElse("unknown"));
    facts.put("architecture", System.getProperty("os.arch"));
    facts.put("processors", Runtime.getRuntime().availableProcessors());
    Set<String> flags = Set.copyOf(Arrays.asList(value(lines, "flags").orElse("").split(" +")));
    facts.put("features", FEATURES.stream().filter(flags::contains).toList());
    return facts;
  }

  private static Optional<String> value(List<String> lines, String key) {
    return lines.stream()
        .filter(line -> line.startsWith(key))
        .flatMap(line -> Stream.of(line.substring(line.indexOf(':') + 1).strip()))
        .findFirst();
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      return List.of();
    }
  }
}
