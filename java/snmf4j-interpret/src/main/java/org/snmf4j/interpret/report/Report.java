package org.snmf4j.interpret.report;

import java.util.List;
import java.util.Objects;
import org.snmf4j.FitReport;
import org.snmf4j.ModelStatistics;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.interpret.contexts.TopContexts;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/**
 * All that a report tells, whatever its form: {@link ReportJson}, {@link ReportHtml}.
 *
 * <p>Immutable, safe for use by several threads, and independent of the model and the activations
 * once made.
 */
public final class Report {
  private final ReportSource source;
  private final String site;
  private final int layer;
  private final long neurons;
  private final long tokens;
  private final int sentences;
  private final List<String> labels;
  private final double featureDensity;
  private final ModelStatistics statistics;
  private final FitReport fit;
  private final TopContexts contexts;

  private Report(
      SnmfModel model, ActivationSet activations, TopContexts contexts, ReportSource source) {
    this.source = source;
    this.contexts = contexts;
    site = activations.site().id();
    layer = activations.layer();
    neurons = model.neurons();
    tokens = model.tokens();
    List<TokenTable.Sentence> texts = activations.tokens().sentences();
    sentences = texts.size();
    labels =
        texts.stream().map(TokenTable.Sentence::label).filter(Objects::nonNull).distinct().toList();
    statistics = model.statistics();
    featureDensity = statistics.meanSupportSize() / neurons;
    fit = model.report();
  }

  /**
   * Puts a report together.
   *
   * @param model the model
   * @param activations what the model was fitted to
   * @param contexts the model's top contexts in these activations
   * @param source what was decomposed
   * @throws InvalidArgumentException where the contexts are those of a model of another rank
   */
  public static Report of(
      SnmfModel model, ActivationSet activations, TopContexts contexts, ReportSource source) {
    if (contexts.features().size() != model.rank()) {
      throw new InvalidArgumentException(
          "contexts",
          "of " + contexts.features().size() + " features",
          "of the model's " + model.rank());
    }
    return new Report(model, activations, contexts, source);
  }

  /** What was decomposed. */
  public ReportSource source() {
    return source;
  }

  /** Id of the site, for instance {@code mlp}. */
  public String site() {
    return site;
  }

  /** 0-based index of the transformer block. */
  public int layer() {
    return layer;
  }

  /** Rows of the activations, d. */
  public long neurons() {
    return neurons;
  }

  /** Columns of the activations, n. */
  public long tokens() {
    return tokens;
  }

  /** Number of sentences in the data set. */
  public int sentences() {
    return sentences;
  }

  /** The data set's labels, in order of appearance; empty without labels. */
  public List<String> labels() {
    return labels;
  }

  /** Number of features, k. */
  public int rank() {
    return contexts.features().size();
  }

  /** Share of nonzero entries in the features. */
  public double featureDensity() {
    return featureDensity;
  }

  /** How sparse and how distinct the features are. */
  public ModelStatistics statistics() {
    return statistics;
  }

  /** How the fit went. */
  public FitReport fit() {
    return fit;
  }

  /** What the features fire on. */
  public TopContexts contexts() {
    return contexts;
  }
}
