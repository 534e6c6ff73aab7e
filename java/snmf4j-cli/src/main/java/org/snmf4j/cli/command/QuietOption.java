package org.snmf4j.cli.command;

import picocli.CommandLine.Option;

/** Silences progress. */
final class QuietOption {
  @Option(names = "--quiet", description = "Show no progress on stderr.")
  boolean quiet;
}
