package org.snmf4j.cli.command;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.generation.Generator;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.cli.terminal.Progress;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "generate",
    description = "Lets a causal language model continue prompts.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Examples:",
      "  snmf4j generate --model M.onnx --tokenizer T.json --prompt 'Once upon a time'",
      "  snmf4j generate --model M.onnx --token-ids ids.npy --samples 4 --temperature 0.8 --json"
    })
final class GenerateCommand implements Runnable {
  private final Session session;

  @Mixin private LanguageModelOptions model;
  @Mixin private PromptOptions prompts;
  @Mixin private SamplingOptions sampling;
  @Mixin private JsonOption json;
  @Mixin private QuietOption quiet;

  GenerateCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    session.interrupt().guard(this::generate);
  }

  private void generate() {
    GenerationOptions.Builder builder = sampling.builder();
    try (TextTokenizer tokenizer = prompts.openTokenizer();
        OnnxModel onnx = model.open();
        CausalModel causal = CausalModel.open(onnx);
        Progress progress = new Progress(session.console(), "generating, text", quiet.quiet)) {
      GenerationOptions options =
          builder
              .cancellation(session.interrupt()::requested)
              .progress((done, total) -> progress.update(done, total, ""))
              .build();
      List<Generation> all =
          generator(causal, tokenizer, options).continueIds(prompts.ids(tokenizer), Steering.NONE);
      progress.clear();
      print(all);
    }
  }

  static Generator generator(
      CausalModel model, TextTokenizer tokenizer, GenerationOptions options) {
    return tokenizer == null
        ? Generator.of(model, options)
        : Generator.of(model, tokenizer, options);
  }

  private void print(List<Generation> all) {
    if (json.json) {
      Json.print(session.console(), Map.of("texts", facts(all)));
      return;
    }
    PrintStream out = session.console().out();
    for (Generation generation : all) {
      out.println(text(generation));
      if (all.size() > 1) {
        out.println();
      }
    }
    out.flush();
  }

  /** Ids and text of each, for programs. */
  static List<Map<String, Object>> facts(List<Generation> all) {
    List<Map<String, Object>> facts = new ArrayList<>();
    for (Generation generation : all) {
      Map<String, Object> fact = new LinkedHashMap<>();
      fact.put("ids", generation.ids());
      fact.put("text", generation.text());
      facts.add(fact);
    }
    return facts;
  }

  /** What people read: the text, or the ids if there is no tokenizer. */
  static String text(Generation generation) {
    return generation.text() == null ? Arrays.toString(generation.ids()) : generation.text();
  }
}
