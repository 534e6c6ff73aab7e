package org.snmf4j.cli.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.steering.SteeringEffect;
import org.snmf4j.causal.steering.TokenChange;
import org.snmf4j.onnx.text.TextTokenizer;

/** What steering does, for people: words that it favours, and texts side by side. */
final class SteeringPrinter {
  private static final int WIDTH = 36;
  private static final String GAP = "   ";
  private static final String NEW_LINE = System.lineSeparator();

  private final TextTokenizer tokenizer;
  private final int shown;

  /**
   * @param tokenizer null if tokens have no text
   * @param shown tokens per line
   */
  SteeringPrinter(TextTokenizer tokenizer, int shown) {
    this.tokenizer = tokenizer;
    this.shown = shown;
  }

  /** The head of a column. */
  static String title(Steering steering) {
    return steering == null
        ? "unreachable"
        : String.format(Locale.ROOT, "alpha %+.4g", steering.alpha());
  }

  void unreachable(double kl, String reason, StringBuilder text) {
    text.append(String.format(Locale.ROOT, "KL %.4g is unreachable: %s%n%n", kl, reason));
  }

  void effect(double alpha, SteeringEffect effect, StringBuilder text) {
    text.append(String.format(Locale.ROOT, "alpha %+.4g: KL %.4g%n", alpha, effect.kl()))
        .append("  raised   ")
        .append(tokens(effect.raised(shown)))
        .append(NEW_LINE)
        .append("  lowered  ")
        .append(tokens(effect.lowered(shown)))
        .append(NEW_LINE)
        .append(NEW_LINE);
  }

  private String tokens(List<TokenChange> changes) {
    return changes.stream()
        .map(change -> String.format(Locale.ROOT, "%s %+.2f", token(change.id()), change.change()))
        .collect(Collectors.joining(", "));
  }

  private String token(int id) {
    return tokenizer == null ? Integer.toString(id) : quoted(tokenizer.tokenText(id));
  }

  /** A token's text, its spaces and line breaks made visible. */
  static String quoted(String token) {
    return "'" + token.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'";
  }

  /**
   * Texts side by side.
   *
   * @param texts a list per column; an empty one leaves its column empty
   */
  void columns(List<String> titles, List<List<Generation>> texts, StringBuilder text) {
    row(titles.stream().map(List::of).toList(), text);
    for (int i = 0; i < texts.get(0).size(); i++) {
      List<List<String>> cells = new ArrayList<>();
      for (List<Generation> column : texts) {
        cells.add(column.isEmpty() ? List.of() : wrapped(GenerateCommand.text(column.get(i))));
      }
      row(cells, text);
      text.append(NEW_LINE);
    }
  }

  private static void row(List<List<String>> cells, StringBuilder text) {
    int height = cells.stream().mapToInt(List::size).max().orElse(0);
    for (int line = 0; line < height; line++) {
      StringBuilder whole = new StringBuilder();
      for (List<String> cell : cells) {
        String part = line < cell.size() ? cell.get(line) : "";
        whole.append(part).append(" ".repeat(Math.max(0, WIDTH - part.length()))).append(GAP);
      }
      text.append(whole.toString().stripTrailing()).append(NEW_LINE);
    }
  }

  /** Lines of at most the column's width, broken between words where that is possible. */
  static List<String> wrapped(String text) {
    List<String> lines = new ArrayList<>();
    for (String paragraph : text.strip().split("\\R")) {
      StringBuilder line = new StringBuilder();
      for (String word : paragraph.split(" ")) {
        String rest = word;
        if (line.length() > 0 && line.length() + 1 + rest.length() > WIDTH) {
          lines.add(line.toString());
          line.setLength(0);
        }
        while (rest.length() > WIDTH) {
          lines.add(rest.substring(0, WIDTH));
          rest = rest.substring(WIDTH);
        }
        line.append(line.length() == 0 ? "" : " ").append(rest);
      }
      lines.add(line.toString());
    }
    return lines;
  }
}
