package org.snmf4j.cli;

import org.snmf4j.cli.command.Commands;
import org.snmf4j.cli.terminal.Console;
import org.snmf4j.cli.terminal.Interrupt;

/** Entry point of the {@code snmf4j} command. */
public final class Main {
  private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

  private Main() {}

  /** Runs the command and ends the process: 0 ok, 1 failure, 2 usage. */
  public static void main(String[] arguments) {
    // The library logs little, and that belongs on one line among the command's own messages.
    if (System.getProperty(LOG_FORMAT) == null) {
      System.setProperty(LOG_FORMAT, "snmf4j: %5$s%6$s%n");
    }
    int status;
    try (Interrupt interrupt = Interrupt.ofProcess()) {
      status = Commands.run(Console.system(), interrupt, arguments);
    }
    System.exit(status);
  }
}
