package org.snmf4j.cli;

import org.snmf4j.cli.command.Commands;
import org.snmf4j.cli.terminal.Console;
import org.snmf4j.cli.terminal.Interrupt;

/** Entry point of the {@code snmf4j} command. */
public final class Main {
  private Main() {}

  /** Runs the command and ends the process: 0 ok, 1 failure, 2 usage. */
  public static void main(String[] arguments) {
    int status;
    try (Interrupt interrupt = Interrupt.ofProcess()) {
      status = Commands.run(Console.system(), interrupt, arguments);
    }
    System.exit(status);
  }
}
