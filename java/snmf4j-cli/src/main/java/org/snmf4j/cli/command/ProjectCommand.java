package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.causal.projection.ProjectedDirection;
import org.snmf4j.causal.projection.TokenScore;
import org.snmf4j.causal.projection.VocabularyProjection;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "project",
    description = "Shows the tokens that a feature speaks for: its vocabulary projection.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "What the feature adds to the residual stream, through the model's final norm and its",
      "unembedding: the tokens with the largest scores, for the feature and for its opposite.",
      "",
      "Example:",
      "  snmf4j project --model M.onnx --tokenizer T.json --feature model.safetensors:17 --layer 3"
    })
final class ProjectCommand implements Runnable {
  private final Session session;

  @Mixin private LanguageModelOptions model;

  @Option(
      names = "--tokenizer",
      paramLabel = "T.json",
      description = "The model's tokenizer; without one, tokens are shown as ids.")
  private Path tokenizer;

  @Mixin private DirectionOptions directions;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "10",
      description = "Tokens for each sign (default: ${DEFAULT-VALUE}).")
  private int count;

  @Mixin private JsonOption json;

  ProjectCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    session.interrupt().guard(this::project);
  }

  private void project() {
    DirectionOptions.Placed placed = directions.read();
    try (TextTokenizer open = tokenizer == null ? null : TextTokenizer.open(tokenizer);
        OnnxModel onnx = model.open();
        VocabularyProjection projection =
            open == null
                ? VocabularyProjection.open(onnx)
                : VocabularyProjection.open(onnx, open)) {
      List<Map<String, Object>> all = new ArrayList<>();
      StringBuilder text = new StringBuilder();
      for (int layer : placed.layers()) {
        ProjectedDirection tokens = projection.project(placed.direction(), layer, count);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("layer", layer);
        facts.put("positive", facts(tokens.positive()));
        facts.put("negative", facts(tokens.negative()));
        all.add(facts);
        text.append(String.format(Locale.ROOT, "%s, layer %d%n", placed.direction().name(), layer));
        append("positive", tokens.positive(), text);
        append("negative", tokens.negative(), text);
      }
      if (json.json) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("direction", placed.direction().name());
        facts.put("site", placed.direction().site().id());
        facts.put("layers", all);
        Json.print(session.console(), facts);
      } else {
        session.console().out().print(text);
        session.console().out().flush();
      }
    }
  }

  private static List<Map<String, Object>> facts(List<TokenScore> tokens) {
    List<Map<String, Object>> facts = new ArrayList<>();
    for (TokenScore token : tokens) {
      Map<String, Object> fact = new LinkedHashMap<>();
      fact.put("id", token.id());
      fact.put("text", token.text().orElse(null));
      fact.put("score", token.score());
      facts.add(fact);
    }
    return facts;
  }

  private static void append(String sign, List<TokenScore> tokens, StringBuilder text) {
    text.append("  ").append(sign).append("  ");
    for (int i = 0; i < tokens.size(); i++) {
      TokenScore token = tokens.get(i);
      String shown = token.text().map(SteeringPrinter::quoted).orElse(Integer.toString(token.id()));
      text.append(
          String.format(Locale.ROOT, "%s%s %.2f", i == 0 ? "" : ", ", shown, token.score()));
    }
    text.append(System.lineSeparator());
  }
}
