package org.snmf4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Times every operation of a backend and, right before each call, what the machine can do, and
 * prints how far the one is from the other.
 */
@Command(
    name = "Roofline",
    mixinStandardHelpOptions = true,
    description = "Operations of a backend against the machine's peaks, measured in turn.",
    showDefaultValues = true)
public final class Roofline implements Callable<Integer> {
  /** An operation's figures: medians, and the median of the ratios of time and floor. */
  static final class Row {
    static final String HEAD =
        "%-27s %9s %9s %8s %9s %8s %9s %-7s %10s"
            .formatted(
                "operation",
                "ms",
                "Gflop",
                "GB",
                "Gflop/s",
                "GB/s",
                "floor ms",
                "bound",
                "time/floor");

    private final Operation operation;
    private final Work work;
    private final List<Double> seconds = new ArrayList<>();
    private final List<Double> floors = new ArrayList<>();
    private final List<Double> ratios = new ArrayList<>();
    private Peaks.Measured last;

    Row(Operation operation, Work work) {
      this.operation = operation;
      this.work = work;
    }

    void add(double elapsed, Peaks.Measured peaks) {
      seconds.add(elapsed);
      floors.add(work.floor(peaks));
      ratios.add(elapsed / work.floor(peaks));
      last = peaks;
    }

    String text() {
      double time = Samples.median(seconds);
      return "%-27s %9.3f %9.3f %8.3f %9.1f %8.1f %9.3f %-7s %10.2f"
          .formatted(
              operation,
              time * 1e3,
              work.flops() * 1e-9,
              work.bytes() * 1e-9,
              work.flops() / time * 1e-9,
              work.bytes() / time * 1e-9,
              Samples.median(floors) * 1e3,
              work.isMemoryBound(last) ? "memory" : "flops",
              Samples.median(ratios));
    }
  }

  @Option(names = "--shape", split = ",", description = "dxnxk, several with commas.")
  private List<String> shapes = List.of("3072x20000x100", "14336x10000x400");

  @Option(names = "--variant", description = "dense, sparse, or the path of a matrix file.")
  private String variant = "dense";

  @Option(names = "--backend", description = "A backend's name.")
  private String backend = "cpu";

  @Option(names = "--density", description = "Features' share of nonzeros.")
  private double density = 0.01;

  @Option(names = "--threads", description = "Threads that compute.")
  private int threads = 2;

  @Option(names = "--rounds", description = "Timed calls of every operation, at least 5.")
  private int rounds = 9;

  @Option(
      names = "--operation",
      split = ",",
      description = "Some of ${COMPLETION-CANDIDATES}, with commas; all if not given.",
      showDefaultValue = CommandLine.Help.Visibility.NEVER)
  private List<Operation> operations;

  @Spec private CommandSpec spec;

  private Roofline() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Roofline()).execute(arguments));
  }

  @Override
  public Integer call() {
    if (rounds < 5) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "rounds is " + rounds + " but must be at least 5");
    }
    if (operations == null) {
      operations = List.of(Operation.values());
    }
    for (String shape : shapes) {
      measure(Shape.of(shape));
    }
    return 0;
  }

  private void measure(Shape shape) {
    try (Workbench workbench = new Workbench(backend, variant, shape, density, threads);
        Peaks peaks = new Peaks(workbench.backend, workbench.activations, workbench.packedBytes)) {
      List<Row> rows = new ArrayList<>();
      for (Operation operation : operations) {
        rows.add(new Row(operation, operation.work(workbench)));
        operation.prepare(workbench);
        operation.run(workbench);
      }
      List<Double> bandwidths = new ArrayList<>();
      List<Double> flops = new ArrayList<>();
      for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < rows.size(); i++) {
          Operation operation = operations.get(i);
          operation.prepare(workbench);
          Peaks.Measured now = peaks.measure();
          long begin = System.nanoTime();
          operation.run(workbench);
          rows.get(i).add((System.nanoTime() - begin) * 1e-9, now);
          bandwidths.add(now.bandwidth());
          flops.add(now.flops());
        }
      }
      System.out.printf(
          "%n%s %s, density %s, %s%n", variant, shape, density, workbench.backend.description());
      System.out.printf(
          "peaks, medians of %d probes (best): %.1f GB/s (%.1f), %.1f Gflop/s (%.1f)%n",
          flops.size(),
          Samples.median(bandwidths) * 1e-9,
          bandwidths.stream().max(Double::compare).orElseThrow() * 1e-9,
          Samples.median(flops) * 1e-9,
          flops.stream().max(Double::compare).orElseThrow() * 1e-9);
      System.out.println(Row.HEAD);
      rows.forEach(row -> System.out.println(row.text()));
    }
  }
}
