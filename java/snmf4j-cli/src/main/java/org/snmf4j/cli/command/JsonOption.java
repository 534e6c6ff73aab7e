package org.snmf4j.cli.command;

import picocli.CommandLine.Option;

/** The choice between text for people and JSON for programs. */
final class JsonOption {
  @Option(
      names = "--json",
      description = "Print exactly one JSON object on stdout, and nothing else.")
  boolean json;
}
