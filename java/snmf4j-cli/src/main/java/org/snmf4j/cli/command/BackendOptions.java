package org.snmf4j.cli.command;

import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import picocli.CommandLine.Option;

/** What computes. */
final class BackendOptions {
  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Threads that compute (default: ${DEFAULT-VALUE}, this machine's processors).")
  int threads = BackendConfig.defaults().threads();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      converter = Converters.BackendName.class,
      description =
          "auto, or the name of one that must run: cuda, cpu, java (default: ${DEFAULT-VALUE}).")
  String backend = Backends.AUTO;

  /**
   * @throws org.snmf4j.error.InvalidArgumentException where the threads lie outside their limits
   */
  BackendConfig config() {
    return new BackendConfig(threads);
  }

  /** The backend; the caller closes it. */
  Backend open() {
    return Backends.open(backend, config());
  }
}
