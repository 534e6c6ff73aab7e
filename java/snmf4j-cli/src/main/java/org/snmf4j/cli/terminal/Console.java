package org.snmf4j.cli.terminal;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The command's two streams: results go to {@link #out}, everything else to {@link #err}.
 *
 * <p>Safe for use by several threads as far as the streams are.
 */
public final class Console {
  private final PrintStream out;
  private final PrintStream err;
  private final boolean outIsTerminal;
  private final boolean errIsTerminal;

  /**
   * @param outIsTerminal whether a person watches {@code out}: allows colours
   * @param errIsTerminal whether a person watches {@code err}: allows a progress line that rewrites
   *     itself
   */
  public Console(PrintStream out, PrintStream err, boolean outIsTerminal, boolean errIsTerminal) {
    this.out = out;
    this.err = err;
    this.outIsTerminal = outIsTerminal;
    this.errIsTerminal = errIsTerminal;
  }

  /**
   * The process's own streams, in UTF-8. From now on {@code System.out} is the error stream:
   * whatever a library prints must not end up among the results.
   */
  public static Console system() {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    return new Console(out, err, isTerminal(1), isTerminal(2));
  }

  /** Where results go. */
  public PrintStream out() {
    return out;
  }

  /** Where everything else goes. */
  public PrintStream err() {
    return err;
  }

  /** Whether a person watches {@link #err()}. */
  public boolean errIsTerminal() {
    return errIsTerminal;
  }

  /** Whether results may be coloured: on a terminal, unless the user's environment objects. */
  public boolean colours() {
    return outIsTerminal
        && System.getenv("NO_COLOR") == null
        && !"dumb".equals(System.getenv("TERM"));
  }

  // Java 17 can only tell whether stdin and stdout are both terminals; Linux tells more.
  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return System.console() != null;
    }
  }
}
