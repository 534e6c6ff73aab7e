package org.snmf4j.interpret.report;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;
import java.util.Locale;
import org.snmf4j.FeatureStatistics;
import org.snmf4j.FitReport;
import org.snmf4j.interpret.contexts.Context;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.ContextToken;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.LabelPreference;
import org.snmf4j.interpret.contexts.Legibility;
import org.snmf4j.interpret.contexts.NeuronWeight;

/** Writes the fields that {@link ReportJson} documents. */
final class ReportFields {
  private final JsonGenerator json;
  private final MathContext precision;
  private final double floor;

  /**
   * @param digits significant decimal digits of the numbers that belong to features
   * @param floor coefficients in contexts below this share of the feature's largest become 0
   */
  ReportFields(JsonGenerator json, int digits, double floor) {
    this.json = json;
    this.floor = floor;
    precision = new MathContext(digits);
  }

  void write(Report report) throws IOException {
    json.writeStartObject();
    json.writeStringField("format", "snmf4j-report");
    json.writeNumberField("version", 1);
    writeModel(report);
    writeFit(report.fit());
    writeOptions(report.contexts().options());
    json.writeArrayFieldStart("features");
    for (FeatureContexts feature : report.contexts().features()) {
      writeFeature(feature);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void writeModel(Report report) throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("name", report.source().model());
    json.writeStringField("data", report.source().data());
    json.writeStringField("site", report.site());
    json.writeNumberField("layer", report.layer());
    json.writeNumberField("neurons", report.neurons());
    json.writeNumberField("tokens", report.tokens());
    json.writeNumberField("sentences", report.sentences());
    json.writeNumberField("rank", report.rank());
    number("feature_density", report.featureDensity());
    number("coefficients_per_token", report.statistics().coefficientsPerToken());
    number("mean_largest_correlation", report.statistics().meanLargestCorrelation());
    json.writeNumberField("dead_features", report.statistics().deadFeatures());
    number("mean_support_size", report.statistics().meanSupportSize());
    json.writeArrayFieldStart("labels");
    for (String label : report.labels()) {
      json.writeString(label);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void writeFit(FitReport fit) throws IOException {
    json.writeObjectFieldStart("fit");
    json.writeStringField("solver", fit.solver().name().toLowerCase(Locale.ROOT));
    json.writeStringField("initialization", fit.initialization());
    exact("feature_density", fit.featureDensity());
    json.writeNumberField("iterations", fit.iterations());
    json.writeNumberField("best_iteration", fit.bestIteration());
    exact("loss", fit.loss());
    exact("relative_loss", fit.relativeLoss());
    json.writeFieldName("losses");
    json.writeStartArray();
    for (double loss : fit.losses()) {
      exact(loss);
    }
    json.writeEndArray();
    exact("squared_norm", fit.squaredNorm());
    json.writeStringField("stop_reason", fit.stopReason().name().toLowerCase(Locale.ROOT));
    exact("seconds", fit.seconds());
    json.writeStringField("backend", fit.backend());
    json.writeStringField("backend_description", fit.backendDescription());
    json.writeNumberField("seed", fit.seed());
    json.writeNumberField("threads", fit.threads());
    json.writeEndObject();
  }

  private void writeOptions(ContextOptions options) throws IOException {
    json.writeObjectFieldStart("options");
    json.writeNumberField("contexts", options.contexts());
    json.writeNumberField("window", options.window());
    json.writeNumberField("neurons", options.neurons());
    json.writeNumberField("labels", options.labels());
    json.writeEndObject();
  }

  private void writeFeature(FeatureContexts feature) throws IOException {
    FeatureStatistics statistics = feature.statistics();
    json.writeStartObject();
    json.writeNumberField("feature", feature.feature());
    number("explained_variance", statistics.explainedVariance());
    number("density", statistics.density());
    number("max_coefficient", statistics.maxCoefficient());
    json.writeNumberField("support_size", statistics.supportSize());
    writeLegibility(feature.legibility());
    json.writeArrayFieldStart("contexts");
    for (Context context : feature.contexts()) {
      writeContext(context, floor * statistics.maxCoefficient());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("neurons");
    for (NeuronWeight neuron : feature.neurons()) {
      json.writeStartObject();
      json.writeNumberField("neuron", neuron.neuron());
      number("weight", neuron.weight());
      json.writeEndObject();
    }
    json.writeEndArray();
    writeLabels(feature.labels());
    json.writeEndObject();
  }

  private void writeLegibility(Legibility legibility) throws IOException {
    json.writeObjectFieldStart("legibility");
    number("score", legibility.score());
    number("token_purity", legibility.tokenPurity());
    json.writeStringField("token", legibility.token());
    number("label_purity", legibility.labelPurity());
    json.writeStringField("label", legibility.label());
    number("selectivity", legibility.selectivity());
    number("spread", legibility.spread());
    json.writeEndObject();
  }

  private void writeContext(Context context, double least) throws IOException {
    json.writeStartObject();
    json.writeNumberField("token", context.token());
    number("coefficient", context.coefficient());
    json.writeNumberField("sentence", context.sentence());
    json.writeNumberField("position", context.position());
    json.writeStringField("label", context.label());
    json.writeBooleanField("starts_sentence", context.startsSentence());
    json.writeBooleanField("ends_sentence", context.endsSentence());
    json.writeNumberField("focus", context.focus());
    json.writeArrayFieldStart("tokens");
    for (ContextToken token : context.tokens()) {
      json.writeString(token.gap() + token.text());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("ids");
    for (ContextToken token : context.tokens()) {
      json.writeNumber(token.id());
    }
    json.writeEndArray();
    json.writeArrayFieldStart("coefficients");
    for (ContextToken token : context.tokens()) {
      number(token.coefficient() < least ? 0 : token.coefficient());
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void writeLabels(List<LabelPreference> labels) throws IOException {
    json.writeArrayFieldStart("labels");
    for (LabelPreference label : labels) {
      json.writeStartObject();
      json.writeStringField("label", label.label());
      json.writeNumberField("contexts", label.contexts());
      number("context_share", label.contextShare());
      number("mass_share", label.massShare());
      number("token_share", label.tokenShare());
      number("lift", label.lift());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private void exact(String name, double value) throws IOException {
    json.writeFieldName(name);
    exact(value);
  }

  private void exact(double value) throws IOException {
    if (Double.isFinite(value)) {
      json.writeNumber(value);
    } else {
      json.writeNull();
    }
  }

  private void number(String name, double value) throws IOException {
    json.writeFieldName(name);
    number(value);
  }

  private void number(double value) throws IOException {
    if (value == 0) {
      json.writeNumber(0);
    } else if (Double.isFinite(value)) {
      json.writeNumber(new BigDecimal(value).round(precision).doubleValue());
    } else {
      json.writeNull();
    }
  }
}
