package org.snmf4j.cli.terminal;

import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Says on stderr how far a long operation is and when it will end. Silent for the first two
 * seconds; then a line that rewrites itself on a terminal, or a new line every few seconds
 * elsewhere.
 *
 * <p>Safe for use by several threads.
 */
public final class Progress implements AutoCloseable {
  private static final long SILENT = 2_000_000_000L;
  private static final long TERMINAL_INTERVAL = 200_000_000L;
  private static final long LOG_INTERVAL = 5_000_000_000L;

  private final Console console;
  private final String what;
  private final boolean quiet;
  private final LongSupplier nanoTime;
  private final long start;
  private long next;
  private long firstDone = -1;
  private long firstElapsed;
  private boolean lineOpen;

  /**
   * @param what the operation, for instance {@code "fitting, iteration"}
   * @param quiet whether to say nothing at all
   */
  public Progress(Console console, String what, boolean quiet) {
    this(console, what, quiet, System::nanoTime);
  }

  Progress(Console console, String what, boolean quiet, LongSupplier nanoTime) {
    this.console = console;
    this.what = what;
    this.quiet = quiet;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
    this.next = SILENT;
  }

  /**
   * Reports that {@code done} of {@code total} steps are done.
   *
   * @param detail what else to show, for instance the loss; may be empty
   */
  public synchronized void update(long done, long total, String detail) {
    long elapsed = nanoTime.getAsLong() - start;
    if (firstDone < 0) {
      // What came before the first report, loading for instance, tells nothing about the pace.
      firstDone = done;
      firstElapsed = elapsed;
    }
    if (quiet || elapsed < next) {
      return;
    }
    next = elapsed + (console.errIsTerminal() ? TERMINAL_INTERVAL : LOG_INTERVAL);
    StringBuilder line = new StringBuilder(what);
    line.append(String.format(Locale.ROOT, " %d of %d", done, total));
    if (total > 0) {
      line.append(String.format(Locale.ROOT, " (%d %%)", 100 * done / total));
    }
    if (!detail.isEmpty()) {
      line.append(", ").append(detail);
    }
    if (done > firstDone && done < total) {
      double perStep = (double) (elapsed - firstElapsed) / (done - firstDone);
      line.append(", ").append(duration(perStep * (total - done))).append(" left");
    }
    if (console.errIsTerminal()) {
      console.err().print("\r" + line + "\u001b[K");
      console.err().flush();
      lineOpen = true;
    } else {
      console.err().println(line);
    }
  }

  /** Takes the line off the terminal. */
  public synchronized void clear() {
    if (lineOpen) {
      console.err().print("\r\u001b[K");
      console.err().flush();
      lineOpen = false;
    }
  }

  /** As {@link #clear()}. */
  @Override
  public void close() {
    clear();
  }

  private static String duration(double nanoseconds) {
    long seconds = Math.max(1, Math.round(nanoseconds / 1e9));
    if (seconds < 60) {
      return seconds + " s";
    }
    if (seconds < 3600) {
      return String.format(Locale.ROOT, "%d:%02d min", seconds / 60, seconds % 60);
    }
    return String.format(Locale.ROOT, "%d:%02d h", seconds / 3600, seconds % 3600 / 60);
  }
}
