package org.snmf4j.cli.command;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.causal.generation.Generation;
import org.snmf4j.causal.generation.GenerationOptions;
import org.snmf4j.causal.steering.AlphaResult;
import org.snmf4j.causal.steering.AlphaSearch;
import org.snmf4j.causal.steering.SteeringEffect;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.cli.terminal.Progress;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "steer",
    description = "Adds a feature to a model's activations and shows how what it says changes.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Activations x become x + ALPHA v at every position of the layers, v being the feature at",
      "unit length or the vector as it is. Continuations without, with +ALPHA and with -ALPHA are",
      "shown side by side. With --kl, both strengths are searched for, each for its own sign, so",
      "that the next token's KL(base || steered), in nats, is as asked within 1 %.",
      "",
      "Examples:",
      "  snmf4j steer --model M.onnx --tokenizer T.json --prompt 'I think that' \\",
      "               --feature model.safetensors:17 --layer 3 --kl 0.25",
      "  snmf4j steer --model M.onnx --token-ids ids.npy --vector v.npy --layer 3 --alpha 6 --json"
    })
final class SteerCommand implements Runnable {
  /** Tokens shown that steering raises or lowers most. */
  private static final int SHOWN = 8;

  private final Session session;

  @Mixin private LanguageModelOptions model;
  @Mixin private PromptOptions prompts;
  @Mixin private DirectionOptions directions;

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Strength strength;

  @Option(
      names = "--replace",
      description = "Activations become ALPHA v instead of having it added.")
  private boolean replace;

  @Mixin private SamplingOptions sampling;
  @Mixin private JsonOption json;
  @Mixin private QuietOption quiet;

  private static final class Strength {
    @Option(
        names = "--kl",
        required = true,
        paramLabel = "KL",
        description = "How far steering is to move the next token's distribution, in nats.")
    private Double kl;

    @Option(
        names = "--alpha",
        required = true,
        paramLabel = "ALPHA",
        description = "How much of the direction to add; the other sign is shown as well.")
    private Double alpha;
  }

  SteerCommand(Session session) {
    this.session = session;
  }

  /**
   * Steering by one sign.
   *
   * @param steering null if the KL is unreachable
   * @param kl of the next token; NaN if unreachable
   * @param reason why it is unreachable, or null
   */
  private record Side(Steering steering, double kl, String reason) {}

  @Override
  public void run() {
    session.interrupt().guard(this::steer);
  }

  private void steer() {
    GenerationOptions.Builder builder = sampling.builder();
    DirectionOptions.Placed placed = directions.read();
    try (TextTokenizer tokenizer = prompts.openTokenizer();
        OnnxModel onnx = model.open();
        CausalModel causal =
            CausalModel.builder(onnx).steerable(placed.direction().site(), placed.layers()).open();
        Progress progress = new Progress(session.console(), "generating, text", quiet.quiet)) {
      int[][] ids = prompts.ids(tokenizer);
      Side positive = side(causal, ids, placed, 1);
      Side negative = side(causal, ids, placed, -1);
      List<Steering> steerings = new ArrayList<>(List.of(Steering.NONE));
      for (Side side : List.of(positive, negative)) {
        if (side.steering() != null) {
          steerings.add(side.steering());
        }
      }
      GenerationOptions options =
          builder
              .cancellation(session.interrupt()::requested)
              .progress((done, total) -> progress.update(done, total, ""))
              .build();
      List<List<Generation>> texts =
          GenerateCommand.generator(causal, tokenizer, options).compareIds(ids, steerings);
      progress.clear();
      List<Generation> up = positive.steering() == null ? List.of() : texts.get(1);
      List<Generation> down = negative.steering() == null ? List.of() : texts.get(texts.size() - 1);
      if (json.json) {
        printJson(positive, negative, texts.get(0), up, down);
      } else {
        print(causal, ids, tokenizer, List.of(positive, negative), List.of(texts.get(0), up, down));
      }
    }
  }

  private Side side(CausalModel causal, int[][] ids, DirectionOptions.Placed placed, int sign) {
    double alpha = sign * (strength.alpha == null ? 1 : strength.alpha);
    Steering steering =
        replace
            ? Steering.replace(placed.direction(), alpha, placed.layers())
            : Steering.add(placed.direction(), alpha, placed.layers());
    if (strength.kl == null) {
      return new Side(steering, SteeringEffect.measure(causal, ids, steering).kl(), null);
    }
    AlphaSearch search =
        AlphaSearch.builder(causal, steering, ids)
            .cancellation(session.interrupt()::requested)
            .build();
    AlphaResult found = sign > 0 ? search.positive(strength.kl) : search.negative(strength.kl);
    return found.reached()
        ? new Side(steering.withAlpha(found.alpha()), found.kl(), null)
        : new Side(null, Double.NaN, found.reason());
  }

  private void printJson(
      Side positive,
      Side negative,
      List<Generation> base,
      List<Generation> up,
      List<Generation> down) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("alpha", positive.steering() == null ? null : positive.steering().alpha());
    facts.put("kl", positive.kl());
    facts.put("alpha_negative", negative.steering() == null ? null : negative.steering().alpha());
    facts.put("kl_negative", negative.kl());
    facts.put("base", GenerateCommand.facts(base));
    facts.put("positive", GenerateCommand.facts(up));
    facts.put("negative", GenerateCommand.facts(down));
    Json.print(session.console(), facts);
  }

  private void print(
      CausalModel causal,
      int[][] ids,
      TextTokenizer tokenizer,
      List<Side> sides,
      List<List<Generation>> texts) {
    SteeringPrinter printer = new SteeringPrinter(tokenizer, SHOWN);
    StringBuilder text = new StringBuilder();
    for (Side side : sides) {
      if (side.steering() == null) {
        printer.unreachable(strength.kl, side.reason(), text);
      } else {
        SteeringEffect effect = SteeringEffect.measure(causal, ids, side.steering());
        printer.effect(side.steering().alpha(), effect, text);
      }
    }
    List<String> titles = new ArrayList<>(List.of("base"));
    for (Side side : sides) {
      titles.add(SteeringPrinter.title(side.steering()));
    }
    printer.columns(titles, texts, text);
    session.console().out().print(text);
    session.console().out().flush();
  }
}
