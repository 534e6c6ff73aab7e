package org.snmf4j.benchmarks.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snmf4j.backend.Availability;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Checks a backend on this host part by part, each in a process of its own, prints a summary and
 * writes it as JSON. Exit status: 0 if no part failed, 1 if one did, 2 for a wrong option, 3 if the
 * backend cannot run here.
 */
@Command(
    name = "gpu-check",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Tests and measures snmf4j's CUDA backend on this host.")
public final class GpuCheck implements Callable<Integer> {
  private static final int FAILED = 1;
  private static final int UNAVAILABLE = 3;

  /** What the backend's probe says of cuBLAS, which the native tests need to be told. */
  private static final Pattern CUBLAS = Pattern.compile("cuBLAS from (/.*)$");

  @Option(
      names = "--part",
      split = ",",
      paramLabel = "PART",
      converter = PartName.class,
      description =
          "What to run: kernels, sanitizer, conformance, losses, speed, fit, large, authors;"
              + " several by commas (default: all).")
  private List<Part> parts = List.of(Part.values());

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Where the JSON goes (default: ${DEFAULT-VALUE}).")
  private Path output = Path.of("gpu-check.json");

  @Mixin private Settings settings;

  @Option(names = "--measure", hidden = true, converter = PartName.class)
  private Part measured;

  @Option(names = "--probe", hidden = true)
  private boolean probed;

  @Option(names = "--findings", hidden = true)
  private Path file;

  private GpuCheck() {}

  /** See {@code --help}. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new GpuCheck()).execute(arguments));
  }

  static final class PartName implements CommandLine.ITypeConverter<Part> {
    @Override
    public Part convert(String name) {
      return Arrays.stream(Part.values())
          .filter(part -> part.toString().equals(name))
          .findFirst()
          .orElseThrow(
              () ->
                  new CommandLine.TypeConversionException(
                      "part is " + name + " but must be one of " + List.of(Part.values())));
    }
  }

  @Override
  public Integer call() throws Exception {
    if (probed) {
      return probe();
    }
    Processes.endWithThis();
    if (measured != null) {
      Findings findings = new Findings();
      run(measured, findings);
      findings.write(file, measured.toString());
      return 0;
    }
    settings.work =
        (settings.work == null ? settings.home().resolve("work") : settings.work)
            .toAbsolutePath()
            .normalize();
    Files.createDirectories(settings.work);
    return check();
  }

  /** Prints why the backend can run here or cannot. */
  private int probe() {
    for (BackendProvider provider : Backends.providers()) {
      if (provider.name().equals(settings.backend)) {
        Availability availability = provider.probe();
        System.out.println(availability.detail());
        return availability.available() ? 0 : UNAVAILABLE;
      }
    }
    System.out.println("there is no backend " + settings.backend);
    return UNAVAILABLE;
  }

  private int check() throws Exception {
    Processes.Ended probe = child("probe.log", List.of("--probe"));
    String detail = probe.tail();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("backend", settings.backend);
    report.put("available", probe.status() == 0);
    report.put("detail", detail);
    report.put("host", host());
    report.put("little_data", settings.small);
    if (probe.status() != 0) {
      System.err.println("gpu-check: backend " + settings.backend + " cannot run here: " + detail);
      Summary.write(output, report);
      return UNAVAILABLE;
    }
    System.err.println("gpu-check: " + detail);
    Matcher cublas = CUBLAS.matcher(detail);
    if (settings.cublas == null && cublas.find()) {
      settings.cublas = Path.of(cublas.group(1));
    }
    Map<Part, Findings> all = new LinkedHashMap<>();
    for (Part part : parts) {
      System.err.println(part);
      Findings findings = new Findings();
      long begin = System.nanoTime();
      if (part.check().startsProcesses()) {
        run(part, findings);
      } else {
        measure(part, findings);
      }
      findings.seconds((System.nanoTime() - begin) * 1e-9);
      all.put(part, findings);
      // What has been found stays, should a later part end the host.
      Summary.write(output, Summary.report(report, all));
    }
    Summary.print(detail, all, output);
    return all.values().stream().anyMatch(findings -> findings.status().equals("failed"))
        ? FAILED
        : 0;
  }

  private void run(Part part, Findings findings) {
    try {
      part.check().run(settings, findings);
    } catch (Exception | LinkageError | OutOfMemoryError e) {
      findings.error(String.valueOf(e));
      e.printStackTrace();
    }
  }

  /** Runs a part in a JVM of its own. */
  private void measure(Part part, Findings findings) throws Exception {
    Path found = settings.work.resolve(part + ".json");
    Files.deleteIfExists(found);
    Processes.Ended ended =
        child(part + ".log", List.of("--measure", part.toString(), "--findings", found.toString()));
    if (Files.exists(found)) {
      findings.read(found);
      findings.figures().forEach(figure -> System.err.println("  " + figure.text()));
      if (!findings.status().equals("passed")) {
        System.err.println("  " + findings.status() + ": " + findings.cause());
      }
    } else {
      findings.error(part + " " + ended.how() + ":\n    " + ended.tail());
    }
  }

  private Processes.Ended child(String log, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>();
    all.add(GpuCheck.class.getName());
    all.addAll(settings.arguments());
    all.addAll(arguments);
    return Processes.java(settings, log, List.of(), all);
  }

  private static Map<String, Object> host() throws IOException {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("processors", Runtime.getRuntime().availableProcessors());
    facts.put("memory_bytes", Processes.memory());
    facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    facts.put("java", Runtime.version().toString());
    facts.put("time", String.format(Locale.ROOT, "%tFT%<tT%<tz", new java.util.Date()));
    return facts;
  }
}
