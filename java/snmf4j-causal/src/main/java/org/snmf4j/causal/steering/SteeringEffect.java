package org.snmf4j.causal.steering;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.snmf4j.causal.CausalModel;
import org.snmf4j.causal.Steering;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.ModelRunException;

/** What a steering does to the token after prompts. Immutable. */
public final class SteeringEffect {
  private final double kl;
  private final double[] base;
  private final double[] steered;

  private SteeringEffect(double kl, double[] base, double[] steered) {
    this.kl = kl;
    this.base = base;
    this.steered = steered;
  }

  /**
   * Runs the prompts with and without a steering.
   *
   * @param prompts {@code [prompts][length]}, at least one
   * @throws InvalidArgumentException if there is no prompt or an empty one, or the steering does
   *     not fit the model
   * @throws org.snmf4j.onnx.TokenizerMismatchException if an id is not in the model's vocabulary
   * @throws org.snmf4j.onnx.ContextOverflowException if a prompt is longer than the model's context
   * @throws ModelRunException if ONNX Runtime fails or the logits are no finite numbers
   */
  public static SteeringEffect measure(CausalModel model, int[][] prompts, Steering steering) {
    NextTokens nextTokens = new NextTokens(model, prompts);
    double[][] steered = nextTokens.steered(List.of(steering)).get(0);
    double kl = nextTokens.divergence(steered);
    if (!Double.isFinite(kl)) {
      throw new ModelRunException(
          "the logits are no finite numbers under the steering "
              + steering
              + "; use a smaller alpha");
    }
    return new SteeringEffect(kl, mean(nextTokens.base()), mean(steered));
  }

  private static double[] mean(double[][] rows) {
    double[] mean = new double[rows[0].length];
    for (double[] row : rows) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += row[i] / rows.length;
      }
    }
    return mean;
  }

  /** KL(base‖steered) of the next token, in nats; the mean over the prompts. */
  public double kl() {
    return kl;
  }

  /** The tokens whose log-probability rises most, most risen first; at most {@code count}. */
  public List<TokenChange> raised(int count) {
    return sorted(Comparator.comparingDouble(TokenChange::change).reversed(), count)
        .filter(token -> token.change() > 0)
        .toList();
  }

  /** The tokens whose log-probability falls most, most fallen first; at most {@code count}. */
  public List<TokenChange> lowered(int count) {
    return sorted(Comparator.comparingDouble(TokenChange::change), count)
        .filter(token -> token.change() < 0)
        .toList();
  }

  private Stream<TokenChange> sorted(Comparator<TokenChange> order, int count) {
    if (count < 1) {
      throw new InvalidArgumentException("count", count, "at least 1");
    }
    return IntStream.range(0, base.length)
        .mapToObj(id -> new TokenChange(id, base[id], steered[id]))
        .sorted(order)
        .limit(count);
  }
}
