package org.snmf4j.cli.command;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.snmf4j.interpret.contexts.Context;
import org.snmf4j.interpret.contexts.ContextToken;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.LabelPreference;
import org.snmf4j.interpret.contexts.NeuronWeight;

/** Writes features with their contexts as text, a context per line. */
final class FeaturePrinter {
  private static final int MOST_LABELS = 3;

  private final boolean colours;
  private final int contexts;
  private final int window;
  private final int neurons;

  /**
   * @param colours whether to mark by colour rather than by brackets
   * @param contexts most contexts per feature
   * @param window most tokens on each side of the strongest one
   * @param neurons most neurons per feature
   */
  FeaturePrinter(boolean colours, int contexts, int window, int neurons) {
    this.colours = colours;
    this.contexts = contexts;
    this.window = window;
    this.neurons = neurons;
  }

  /** Appends a feature, its lines ended by line breaks. */
  void print(FeatureContexts feature, StringBuilder to) {
    to.append(bold("feature " + feature.feature()));
    to.append(
        String.format(
            Locale.ROOT,
            "  legibility %.2f, %.2f %% of the squared norm, fires on %.1f %% of the tokens%n",
            feature.legibility().score(),
            100 * feature.statistics().explainedVariance(),
            100 * feature.statistics().density()));
    if (!feature.labels().isEmpty()) {
      to.append("  labels   ").append(labels(feature.labels())).append(System.lineSeparator());
    }
    if (neurons > 0 && !feature.neurons().isEmpty()) {
      to.append("  neurons  ").append(strongest(feature.neurons())).append(System.lineSeparator());
    }
    if (feature.contexts().isEmpty()) {
      to.append("  fires nowhere").append(System.lineSeparator());
    }
    feature.contexts().stream()
        .limit(contexts)
        .forEach(
            context ->
                to.append(String.format(Locale.ROOT, "  %8.3f  ", context.coefficient()))
                    .append(line(context))
                    .append(System.lineSeparator()));
  }

  private static String labels(List<LabelPreference> labels) {
    return labels.stream()
        .filter(label -> label.contexts() > 0)
        .limit(MOST_LABELS)
        .map(
            label ->
                String.format(
                    Locale.ROOT,
                    "%s (%.0f %% of contexts, lift %.1f)",
                    plain(label.label()),
                    100 * label.contextShare(),
                    label.lift()))
        .collect(Collectors.joining(", "));
  }

  private String strongest(List<NeuronWeight> weights) {
    return weights.stream()
        .limit(neurons)
        .map(neuron -> String.format(Locale.ROOT, "%d %+.2f", neuron.neuron(), neuron.weight()))
        .collect(Collectors.joining(", "));
  }

  private String line(Context context) {
    int from = Math.max(0, context.focus() - window);
    int to = Math.min(context.tokens().size(), context.focus() + window + 1);
    StringBuilder line = new StringBuilder();
    if (from > 0 || !context.startsSentence()) {
      line.append("… ");
    }
    for (int i = from; i < to; i++) {
      ContextToken token = context.tokens().get(i);
      if (i > from) {
        line.append(plain(token.gap()));
      }
      line.append(i == context.focus() ? marked(plain(token.text())) : plain(token.text()));
    }
    if (to < context.tokens().size() || !context.endsSentence()) {
      line.append(" …");
    }
    return line.toString();
  }

  private String marked(String token) {
    return colours ? "\u001b[1;33m" + token + "\u001b[0m" : "[" + token + "]";
  }

  private String bold(String text) {
    return colours ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  /** Texts may hold line breaks and, from a hostile data set, terminal commands. */
  private static String plain(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }
}
