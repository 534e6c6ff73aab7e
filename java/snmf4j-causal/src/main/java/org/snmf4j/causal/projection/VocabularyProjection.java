package org.snmf4j.causal.projection;

import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.snmf4j.causal.Direction;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.DownProjection;
import org.snmf4j.onnx.graph.GraphPieces;
import org.snmf4j.onnx.graph.ModelGraph;
import org.snmf4j.onnx.graph.SiteTensor;
import org.snmf4j.onnx.runtime.SessionSettings;
import org.snmf4j.onnx.text.TextTokenizer;

/**
 * Reads a direction in a model's own words: what it adds to the residual stream, through the final
 * norm and the unembedding, as scores of the vocabulary's tokens (the "logit lens" of
 * nostalgebraist 2020, applied to directions as in Geva et al. 2022, arXiv 2203.14680).
 *
 * <p>A direction z at site {@code mlp} becomes f = W_down·z, without the down-projection's bias; at
 * {@code mlp} and {@code mlp_out} it goes through what the model does to the MLP's result before it
 * is added (the norm after the MLP in Gemma 2, a constant scale); at {@code residual} it is f
 * itself. All of it is computed by the model's own nodes, so that quantized, transposed and
 * half-precision weights and tied embeddings are what they are in the model; a scale or soft cap of
 * the logits (Gemma 2) and a bias are part of the head and apply as well. The final norm takes f's
 * length away, except that a direction much shorter than 0.01 drowns in the norm's epsilon.
 *
 * <p>Holds a native session of the head (the unembedding's weights) and sessions of the layer used
 * last until {@link #close()}, which may be called more than once; use afterwards throws {@link
 * ClosedException}. The model it was opened from may be closed before. Safe for use by several
 * threads, which take turns.
 */
public final class VocabularyProjection implements AutoCloseable {
  private final ModelGraph graph;
  private final SessionSettings settings;
  private final TextTokenizer tokenizer;
  private final PieceRunner head;
  private LayerPieces pieces;
  private boolean closed;

  private VocabularyProjection(
      OnnxModel model, ModelGraph graph, PieceRunner head, TextTokenizer tokenizer) {
    this.graph = graph;
    this.settings = model.options().session();
    this.head = head;
    this.tokenizer = tokenizer;
  }

  /** Opens a projection whose tokens have ids but no text; see the other method. */
  public static VocabularyProjection open(OnnxModel model) {
    return new VocabularyProjection(model, model.graph(), head(model), null);
  }

  /**
   * Opens a projection.
   *
   * @param tokenizer the model's; stays the caller's to close, not before this
   * @throws org.snmf4j.onnx.graph.LogitsNotFoundException if the model has no logits
   * @throws org.snmf4j.onnx.graph.SiteNotFoundException if its last block was not found
   */
  public static VocabularyProjection open(OnnxModel model, TextTokenizer tokenizer) {
    Objects.requireNonNull(tokenizer, "tokenizer");
    return new VocabularyProjection(model, model.graph(), head(model), tokenizer);
  }

  private static PieceRunner head(OnnxModel model) {
    ModelGraph graph = model.graph();
    SiteTensor logits = SiteTensor.existing(graph.logitsOutput());
    int last = Math.max(0, model.layers() - 1);
    SiteTensor residual = graph.site(Site.RESIDUAL, last);
    int width = width(graph, Site.RESIDUAL, last);
    return new PieceRunner(
        graph, GraphPieces.between(graph, residual, logits, width), model.options().session());
  }

  /**
   * The tokens that a direction speaks for.
   *
   * @param direction as many values as its site has
   * @param layer 0-based block that the direction belongs to; without effect at site {@code
   *     residual}, but checked
   * @param count how many tokens for each sign, between 1 and the size of the vocabulary
   * @throws InvalidArgumentException if the direction does not fit the site, if it is zero or too
   *     long in the residual stream, or if layer or count are out of range
   * @throws NonFiniteValueException if the scores overflow (half precision)
   * @throws org.snmf4j.onnx.ModelRunException if ONNX Runtime fails
   */
  public synchronized ProjectedDirection project(Direction direction, int layer, int count) {
    requireOpen();
    if (count < 1) {
      throw new InvalidArgumentException("count", count, "at least 1");
    }
    float[] residual = residual(direction, layer, 1);
    float[] positive = scores(direction, residual);
    if (count > positive.length) {
      throw new InvalidArgumentException(
          "count", count, "at most the size of the vocabulary, " + positive.length);
    }
    float[] negative = scores(direction, residual(direction, layer, -1));
    return new ProjectedDirection(top(positive, count), top(negative, count));
  }

  /**
   * The score of every token for f.
   *
   * @return {@code [vocabulary]}, the logits at f
   * @throws InvalidArgumentException as {@link #project}, like the others there
   */
  public synchronized float[] scores(Direction direction, int layer) {
    requireOpen();
    return scores(direction, residual(direction, layer, 1));
  }

  private float[] scores(Direction direction, float[] residual) {
    double square = 0;
    for (float value : residual) {
      square += (double) value * value;
    }
    if (square > Float.MAX_VALUE) {
      // The final norm would divide by infinity, and every score would be zero.
      throw new InvalidArgumentException(
          "direction " + direction.name(),
          "of length " + Math.sqrt(square) + " in the residual stream",
          "at most of length " + Math.sqrt(Float.MAX_VALUE) + " there");
    }
    return finite("scores of " + direction.name(), head.run(residual));
  }

  private float[] residual(Direction direction, int layer, int sign) {
    int width = width(graph, direction.site(), layer);
    if (direction.size() != width) {
      throw new InvalidArgumentException(
          "direction " + direction.name(),
          direction.size() + " values",
          width + " values for site " + direction.site().id() + " of layer " + layer);
    }
    float[] f = direction.values();
    if (direction.site() != Site.RESIDUAL) {
      LayerPieces layerPieces = pieces(layer);
      if (direction.site() == Site.MLP) {
        f = layerPieces.down(graph.site(Site.MLP, layer), graph.site(Site.MLP_OUT, layer), f);
      }
      negate(f, sign);
      requireNonzero(direction, f);
      f = layerPieces.after(f);
    } else {
      negate(f, sign);
      requireNonzero(direction, f);
    }
    return finite("residual direction of " + direction.name(), f);
  }

  private static void negate(float[] values, int sign) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= sign;
    }
  }

  private static void requireNonzero(Direction direction, float[] f) {
    for (float value : f) {
      if (value != 0) {
        return;
      }
    }
    throw new InvalidArgumentException(
        "direction " + direction.name(), "zero in the residual stream", "nonzero");
  }

  private static float[] finite(String what, float[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new NonFiniteValueException(what, i, 0, values[i]);
      }
    }
    return values;
  }

  private static int width(ModelGraph graph, Site site, int layer) {
    graph.site(site, layer);
    DownProjection weight = graph.layers().get(layer).downProjection();
    return Math.toIntExact(site == Site.MLP ? weight.neurons() : weight.width());
  }

  private LayerPieces pieces(int layer) {
    if (pieces == null || pieces.layer() != layer) {
      if (pieces != null) {
        pieces.close();
      }
      pieces = new LayerPieces(graph, layer, settings);
    }
    return pieces;
  }

  private List<TokenScore> top(float[] scores, int count) {
    Comparator<Integer> order = Comparator.comparingDouble(id -> -scores[id]);
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(order.thenComparing(Comparator.naturalOrder()))
        .limit(count)
        .map(id -> new TokenScore(id, scores[id], text(id)))
        .toList();
  }

  private Optional<String> text(int id) {
    return tokenizer == null ? Optional.empty() : Optional.of(tokenizer.tokenText(id));
  }

  private void requireOpen() {
    if (closed) {
      throw new ClosedException("the vocabulary projection of " + graph.file() + " is closed");
    }
  }

  /** Frees the native sessions. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    head.close();
    if (pieces != null) {
      pieces.close();
    }
  }
}
