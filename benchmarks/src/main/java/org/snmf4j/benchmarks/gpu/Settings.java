package org.snmf4j.benchmarks.gpu;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.benchmarks.Shape;
import picocli.CommandLine.Option;

/** What is checked and how; the processes of the check hand it on to each other. */
final class Settings {
  /** Folder of the unpacked bundle. */
  static final String HOME = "snmf4j.gpu-check.home";

  /** Device memory that the CUDA backend may use. */
  static final String MEMORY = "snmf4j.cuda.memory";

  /** How the CUDA backend computes dense products. */
  static final String DENSE = "snmf4j.cuda.dense";

  static final double DENSITY = 0.01;

  @Option(names = "--backend", description = "The backend to check (default: ${DEFAULT-VALUE}).")
  String backend = "cuda";

  @Option(
      names = "--library",
      paramLabel = "FILE",
      description = "Another library of kernels than the bundle's, as the host twin for a try.")
  Path library;

  @Option(
      names = "--cublas",
      paramLabel = "PATH",
      defaultValue = "${env:SNMF4J_CUBLAS}",
      description =
          "cuBLAS, or the folder of a CUDA toolkit (default: SNMF4J_CUBLAS, or where they usually"
              + " are).")
  Path cublas;

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description = "Where data and logs go, up to 6 GB (default: a folder beside the bundle).")
  Path work;

  @Option(
      names = "--python",
      paramLabel = "COMMAND",
      description = "A Python with PyTorch, for the part authors (default: ${DEFAULT-VALUE}).")
  String python = "python3";

  @Option(names = "--small", description = "Little data: tries the check out, measures nothing.")
  boolean small;

  @Option(
      names = "--time-limit",
      paramLabel = "MINUTES",
      description = "Of a part (default: ${DEFAULT-VALUE}).")
  int minutes = 60;

  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Host threads (default: as many as there are processors).")
  int threads = BackendConfig.defaults().threads();

  Path home() {
    return Path.of(System.getProperty(HOME, ".")).toAbsolutePath().normalize();
  }

  /** The problem that fits are measured on. */
  Shape large() {
    return small ? new Shape(512, 4000, 20) : new Shape(14336, 100_000, 400);
  }

  /** The problem whose iterations are short. */
  Shape little() {
    return small ? new Shape(256, 2000, 10) : new Shape(3072, 20_000, 100);
  }

  /** The problem that streams through little memory: of several panels, two of which it holds. */
  Shape streamed() {
    return small ? new Shape(256, 20_000, 10) : little();
  }

  /** Tokens of the part LARGE. */
  int manyTokens() {
    return small ? 20_000 : 1_000_000;
  }

  /** Bytes of device memory that many tokens do not fit into. */
  long cap() {
    return small ? limit(16L << 20) : 8L << 30;
  }

  /**
   * A limit of device memory that leaves so much for data. Of a little one, what a backend holds
   * from the start, cuBLAS's workspace, would be all.
   */
  long limit(long bytes) {
    if (!small) {
      return bytes;
    }
    try (Backend backend = open()) {
      return bytes + backend.memory().current();
    }
  }

  boolean isCuda() {
    return backend.equals("cuda");
  }

  /** A program of the bundle that runs on the device. */
  Path program(String name) {
    return home().resolve("tests").resolve(name);
  }

  /** Whether kernels' own programs are here and a device to run them is likely to be. */
  String whyNoPrograms() {
    if (!isCuda()) {
      return "the backend " + backend + " has no kernels for a device";
    }
    if (library != null) {
      return "--library chooses other kernels than those of the bundle's programs";
    }
    return Files.exists(program("tests.txt")) ? null : "the bundle has no programs for a device";
  }

  /** Options of a JVM that opens the backend. */
  List<String> properties() {
    List<String> options = new ArrayList<>();
    options.add("-D" + HOME + "=" + home());
    options.add("-Dsnmf4j.native.cache=" + work.resolve("native"));
    options.add("-Dorg.bytedeco.javacpp.cachedir=" + work.resolve("javacpp"));
    if (library != null) {
      options.add(
          "-Dsnmf4j." + (isCuda() ? "cuda" : "native") + ".path=" + library.toAbsolutePath());
    }
    if (cublas != null) {
      options.add("-Dsnmf4j.cublas.path=" + cublas.toAbsolutePath());
    }
    return options;
  }

  /** These settings as arguments. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("--backend", backend, "--work", work.toString()));
    arguments.addAll(List.of("--python", python, "--threads", Integer.toString(threads)));
    if (library != null) {
      arguments.addAll(List.of("--library", library.toString()));
    }
    if (cublas != null) {
      arguments.addAll(List.of("--cublas", cublas.toString()));
    }
    if (small) {
      arguments.add("--small");
    }
    return arguments;
  }

  /** Opens the backend that is checked. */
  Backend open() {
    return open(Map.of());
  }

  /**
   * Opens the backend that is checked.
   *
   * @param properties system properties that it reads when it is opened
   */
  Backend open(Map<String, String> properties) {
    try {
      properties.forEach(System::setProperty);
      return Backends.open(backend, new BackendConfig(threads));
    } finally {
      properties.keySet().forEach(System::clearProperty);
    }
  }
}
