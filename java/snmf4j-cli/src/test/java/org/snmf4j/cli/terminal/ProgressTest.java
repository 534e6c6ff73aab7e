package org.snmf4j.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final AtomicLong clock = new AtomicLong(5_000_000_000L);

  @Test
  void saysNothingInTheFirstTwoSeconds() {
    Progress progress = progress(true, false);
    seconds(1.99);
    progress.update(1, 10, "");
    progress.close();
    assertEquals("", said());
  }

  @Test
  void printsALineEveryFiveSecondsWhereNobodyWatches() {
    Progress progress = progress(false, false);
    progress.update(0, 100, "");
    seconds(4);
    progress.update(20, 100, "relative loss 0.5");
    seconds(4);
    progress.update(30, 100, "");
    seconds(2);
    progress.update(50, 100, "");
    progress.close();
    assertEquals(
        "fit 20 of 100 (20 %), relative loss 0.5, 16 s left\nfit 50 of 100 (50 %), 10 s left\n",
        said());
  }

  @Test
  void rewritesItsLineOnATerminalAndTakesItAway() {
    Progress progress = progress(true, false);
    progress.update(0, 3, "");
    seconds(100);
    progress.update(1, 3, "");
    seconds(100);
    progress.update(3, 3, "");
    progress.close();
    assertEquals(
        "\rfit 1 of 3 (33 %), 3:20 min left\u001b[K\rfit 3 of 3 (100 %)\u001b[K\r\u001b[K", said());
  }

  @Test
  void isSilentWhenAskedToBe() {
    Progress progress = progress(true, true);
    seconds(100);
    progress.update(1, 3, "");
    progress.close();
    assertEquals("", said());
  }

  @Test
  void measuresThePaceFromTheFirstReportOn() {
    Progress progress = progress(false, false);
    seconds(1000);
    progress.update(1, 100, "");
    seconds(5);
    progress.update(51, 100, "");
    assertEquals("fit 1 of 100 (1 %)\nfit 51 of 100 (51 %), 5 s left\n", said());
  }

  @Test
  void countsHours() {
    Progress progress = progress(false, false);
    progress.update(0, 3, "");
    seconds(3600);
    progress.update(1, 3, "");
    assertEquals("fit 1 of 3 (33 %), 2:00 h left\n", said());
  }

  private Progress progress(boolean terminal, boolean quiet) {
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new Progress(new Console(stream, stream, terminal, terminal), "fit", quiet, clock::get);
  }

  private void seconds(double seconds) {
    clock.addAndGet((long) (seconds * 1e9));
  }

  private String said() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
