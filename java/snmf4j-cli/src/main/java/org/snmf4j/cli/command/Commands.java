package org.snmf4j.cli.command;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.snmf4j.cli.terminal.Console;
import org.snmf4j.cli.terminal.Interrupt;
import org.snmf4j.error.CancelledException;
import org.snmf4j.error.SnmfException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** Assembles the subcommands and maps what goes wrong to one line on stderr and an exit status. */
public final class Commands {
  /** Everything worked. */
  public static final int OK = 0;

  /** The work could not be done. */
  public static final int FAILURE = 1;

  /** The command line makes no sense. */
  public static final int USAGE = 2;

  private Commands() {}

  /**
   * Runs one command line.
   *
   * @return the exit status: {@link #OK}, {@link #FAILURE} or {@link #USAGE}
   */
  public static int run(Console console, Interrupt interrupt, String... arguments) {
    CommandLine line = new CommandLine(new Root());
    Session session = new Session(console, interrupt);
    line.addSubcommand(new DoctorCommand(session));
    line.addSubcommand(new ExtractCommand(session));
    line.addSubcommand(new FitCommand(session));
    line.addSubcommand(new EncodeCommand(session));
    line.addSubcommand(new ContextsCommand(session));
    line.addSubcommand(new ReportCommand(session));
    line.addSubcommand(new GenerateCommand(session));
    line.addSubcommand(new SteerCommand(session));
    line.addSubcommand(new ProjectCommand(session));
    line.addSubcommand(new DemoCommand(session));
    line.addSubcommand(new ImportLlama2cCommand(session));
    line.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    line.setParameterExceptionHandler((e, ignored) -> usage(console, e));
    line.setExecutionExceptionHandler(
        (e, command, ignored) -> failure(console, command.getCommandSpec(), e));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpWidth(100);
    try {
      int status = line.execute(arguments);
      // Print streams swallow their errors: a full disk, a pipe that nobody reads.
      if (status == OK && console.out().checkError()) {
        console.err().println("snmf4j: cannot write to standard output");
        return FAILURE;
      }
      return status;
    } catch (OutOfMemoryError e) {
      return failure(
          console,
          "snmf4j",
          "out of memory: " + e.getMessage() + "; SNMF4J_JAVA_OPTS=-Xmx… allows more",
          e);
    } catch (LinkageError | StackOverflowError e) {
      return failure(console, "snmf4j", oneLine(e.toString()), e);
    }
  }

  private static int usage(Console console, ParameterException e) {
    String name = e.getCommandLine().getCommandSpec().qualifiedName();
    String message = oneLine(e.getMessage()).replaceFirst("^Error: ", "");
    var suggestions =
        e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : null;
    if (suggestions != null && !suggestions.isEmpty()) {
      message += "; did you mean " + String.join(" or ", suggestions) + "?";
    }
    console.err().println(name + ": " + message + " (see '" + name + " --help')");
    return USAGE;
  }

  private static int failure(Console console, CommandSpec command, Exception e) {
    String message;
    if (e instanceof CancelledException) {
      message = "cancelled; nothing was written";
    } else if (e instanceof SnmfException) {
      message = oneLine(e.getMessage());
    } else {
      // Not foreseen, so the type is part of what a bug report needs.
      message = oneLine(e.toString());
    }
    return failure(console, command.qualifiedName(), message, e);
  }

  private static int failure(Console console, String command, String message, Throwable cause) {
    console.err().println(command + ": " + message);
    if (System.getenv("SNMF4J_STACK_TRACE") != null) {
      cause.printStackTrace(console.err());
    }
    return FAILURE;
  }

  private static String oneLine(String message) {
    return message == null ? "no message" : message.strip().replaceAll("\\s*\\R\\s*", "; ");
  }

  @Command(
      name = "snmf4j",
      description = "Decomposes transformer MLP activations into sparse, interpretable features.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class,
      synopsisSubcommandLabel = "COMMAND",
      footer = {
        "",
        "Exit status: 0 ok, 1 failure, 2 wrong usage.",
        "SNMF4J_STACK_TRACE=1 adds the stack trace to an error.",
        "",
        "Typical use:",
        "  snmf4j extract --model model.onnx --tokenizer tokenizer.json --data sentences.txt \\",
        "                 --layers 3 --output activations",
        "  snmf4j fit --activations activations --layer 3 --rank 100 --output model.safetensors",
        "  snmf4j report --model model.safetensors --activations activations"
      })
  private static final class Root implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
      throw new ParameterException(spec.commandLine(), "a command is missing");
    }
  }

  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"snmf4j " + number()};
    }

    static String number() {
      String version = Commands.class.getPackage().getImplementationVersion();
      return version == null ? "development" : version;
    }
  }
}
