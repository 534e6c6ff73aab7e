package org.snmf4j.benchmarks.gpu;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What all parts found, for people and for programs. */
final class Summary {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Summary() {}

  static Map<String, Object> report(Map<String, Object> head, Map<Part, Findings> parts) {
    Map<String, Object> report = new LinkedHashMap<>(head);
    for (String status : new String[] {"passed", "failed", "skipped"}) {
      report.put(
          status, parts.values().stream().filter(found -> found.status().equals(status)).count());
    }
    report.put(
        "parts",
        parts.entrySet().stream()
            .map(part -> part.getValue().facts(part.getKey().toString()))
            .toList());
    return report;
  }

  static void write(Path file, Map<String, Object> report) throws IOException {
    JSON.writeValue(file.toFile(), report);
  }

  static void print(String device, Map<Part, Findings> parts, Path file) {
    PrintStream out = System.out;
    out.println();
    out.println(device);
    parts.forEach(
        (part, findings) -> {
          out.printf(
              Locale.ROOT,
              "%-12s %-8s %s%n",
              part,
              findings.status(),
              findings.cause().lines().findFirst().orElse(""));
          findings.figures().stream()
              .filter(figure -> figure.judged() || !part.check().startsProcesses())
              .forEach(figure -> out.println("    " + figure.text()));
        });
    out.println("written: " + file.toAbsolutePath());
  }
}
