package org.snmf4j.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Says which benchmarks moved between two revisions, from JMH's JSON results of several forks of
 * each. See {@code bin/compare-benchmarks}, which makes them.
 */
@Command(
    name = "CompareResults",
    mixinStandardHelpOptions = true,
    description = "Which benchmarks moved between A and B beyond noise.",
    showDefaultValues = true)
public final class CompareResults implements Callable<Integer> {
  /** Exit status if something got slower and that was to be an error. */
  private static final int SLOWER = 3;

  /** All forks of one benchmark with one set of parameters, on both sides. */
  private static final class Entry {
    final List<double[]> before = new ArrayList<>();
    final List<double[]> after = new ArrayList<>();
    boolean higherIsBetter;
    String unit;
  }

  @Option(names = "-a", arity = "0..*", description = "Results of A, one file per fork.")
  private List<Path> before = List.of();

  @Option(names = "-b", arity = "0..*", description = "Results of B, one file per fork.")
  private List<Path> after = List.of();

  @Option(
      names = "--threshold",
      description = "Least change that counts, as a fraction, however certain it is.")
  private double threshold = 0.02;

  @Option(names = "--confidence", description = "Of the bootstrap interval of the ratio.")
  private double confidence = 0.99;

  @Option(names = "--fail-if-slower", description = "Exit with 3 if a benchmark got slower.")
  private boolean failIfSlower;

  private CompareResults() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new CompareResults()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    Map<String, Entry> entries = new TreeMap<>();
    for (Path file : before) {
      read(file, entries, true);
    }
    for (Path file : after) {
      read(file, entries, false);
    }
    if (entries.isEmpty()) {
      System.out.println("neither revision has results");
      return 1;
    }
    System.out.printf(
        "%-12s %8s  %-17s %12s %12s  %s%n",
        "verdict", "B / A", percent(confidence) + " interval", "A", "B", "benchmark");
    boolean slower = false;
    for (Map.Entry<String, Entry> entry : entries.entrySet()) {
      slower |= report(entry.getKey(), entry.getValue());
    }
    return slower && failIfSlower ? SLOWER : 0;
  }

  /** Whether it got slower. */
  private boolean report(String name, Entry entry) {
    if (entry.before.isEmpty() || entry.after.isEmpty()) {
      System.out.printf(
          "%-12s %s%n", entry.before.isEmpty() ? "only in B" : "only in A", " ".repeat(54) + name);
      return false;
    }
    Bootstrap.Ratio ratio = Bootstrap.ratio(entry.before, entry.after, confidence);
    boolean moved = ratio.excludesOne() && Math.abs(ratio.value() - 1) > threshold;
    boolean slower = moved && ratio.value() > 1 != entry.higherIsBetter;
    String verdict = !moved ? "same" : slower ? "SLOWER" : "FASTER";
    System.out.printf(
        "%-12s %8.3f  [%6.3f, %6.3f]  %12.4g %12.4g  %s %s%n",
        verdict,
        ratio.value(),
        ratio.low(),
        ratio.high(),
        Bootstrap.median(entry.before),
        Bootstrap.median(entry.after),
        name,
        entry.unit);
    return slower;
  }

  private static String percent(double share) {
    return "%.3g %%".formatted(100 * share);
  }

  private static void read(Path file, Map<String, Entry> entries, boolean isBefore)
      throws IOException {
    for (JsonNode result : new ObjectMapper().readTree(file.toFile())) {
      StringBuilder name = new StringBuilder(result.path("benchmark").asText());
      result
          .path("params")
          .properties()
          .forEach(
              p -> name.append(' ').append(p.getKey()).append('=').append(p.getValue().asText()));
      Entry entry = entries.computeIfAbsent(name.toString(), key -> new Entry());
      JsonNode metric = result.path("primaryMetric");
      entry.unit = metric.path("scoreUnit").asText();
      entry.higherIsBetter = result.path("mode").asText().equals("thrpt");
      for (JsonNode fork : metric.path("rawData")) {
        double[] scores = new double[fork.size()];
        for (int i = 0; i < scores.length; i++) {
          scores[i] = fork.get(i).asDouble();
        }
        if (scores.length > 0) {
          (isBefore ? entry.before : entry.after).add(scores);
        }
      }
    }
  }
}
