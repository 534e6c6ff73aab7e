package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.snmf4j.FeatureStatistics;
import org.snmf4j.interpret.contexts.Context;
import org.snmf4j.interpret.contexts.ContextToken;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.LabelPreference;
import org.snmf4j.interpret.contexts.Legibility;
import org.snmf4j.interpret.contexts.NeuronWeight;

class FeaturePrinterTest {
  private static final List<ContextToken> TOKENS =
      List.of(
          new ContextToken("", "On", 1, 0),
          new ContextToken(" ", "Mon", 2, 3.5),
          new ContextToken("", "day", 3, 1),
          new ContextToken(" ", "it\u001b[2J", 4, 0),
          new ContextToken("\n", "rained", 5, 0));

  @Test
  void marksTheStrongestTokenInItsText() {
    assertEquals(
        """
        feature 7  legibility 0.50, 12.50 % of the squared norm, fires on 25.0 % of the tokens
          labels   days (80 % of contexts, lift 4.0)
          neurons  3 +0.75, 9 -0.50
             3.500  On [Mon]day it [2J rained
        """,
        print(new FeaturePrinter(false, 5, 9, 2)));
  }

  @Test
  void cutsTheContextToItsWindow() {
    String text = print(new FeaturePrinter(false, 5, 1, 0));
    assertTrue(text.endsWith("     3.500  On [Mon]day …\n"), text);
    assertFalse(text.contains("neurons"), text);
  }

  @Test
  void onlyItsOwnCommandsReachATerminal() {
    String text = print(new FeaturePrinter(true, 5, 9, 2));
    assertTrue(text.contains("On \u001b[1;33mMon\u001b[0mday it"), text);
    assertFalse(text.contains("\u001b[2J"), text);
  }

  @Test
  void aFeatureThatFiresNowhereSaysSo() {
    StringBuilder text = new StringBuilder();
    new FeaturePrinter(false, 5, 9, 2)
        .print(
            new FeatureContexts(
                1,
                new FeatureStatistics(0, 0, 0, 0),
                new Legibility(0, 0, null, 0, null, 0, 0),
                List.of(),
                List.of(),
                List.of()),
            text);
    assertTrue(
        text.toString().endsWith("  fires nowhere" + System.lineSeparator()), text.toString());
  }

  private static String print(FeaturePrinter printer) {
    StringBuilder text = new StringBuilder();
    printer.print(
        new FeatureContexts(
            7,
            new FeatureStatistics(0.125, 0.25, 3.5, 2),
            new Legibility(0.5, 1, "mon", 0.8, "days", 1, 1),
            List.of(new Context(1, 3.5, 0, 1, "days", true, true, 1, TOKENS)),
            List.of(new NeuronWeight(3, 0.75), new NeuronWeight(9, -0.5)),
            List.of(
                new LabelPreference("days", 4, 0.8, 0.8, 0.2, 4),
                new LabelPreference("months", 0, 0, 0.1, 0.2, 0.5))),
        text);
    return text.toString().replace(System.lineSeparator(), "\n");
  }
}
