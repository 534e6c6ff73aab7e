package org.snmf4j.interpret.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.snmf4j.io.AtomicFile;

/**
 * Writes a report as one JSON object, UTF-8. Names stay; later versions may add some.
 *
 * <pre>
 * format, version            "snmf4j-report", 1
 * model     name, data       as given, or null
 *           site, layer, neurons (d), tokens (n), sentences, rank (k)
 *           feature_density  share of nonzero entries in the features
 *           coefficients_per_token   mean number of features that fire on a token
 *           mean_largest_correlation, dead_features, mean_support_size
 *           labels[]         the data set's labels
 * fit       solver, initialization, feature_density (asked for), iterations, best_iteration (from
 *           1), loss, relative_loss, losses[], squared_norm, stop_reason, seconds, backend,
 *           backend_description, seed, threads
 * options   contexts, window, neurons, labels
 * features[]                 by index
 *   feature, explained_variance, density, max_coefficient, support_size
 *   legibility  score, token_purity, token, label_purity, label, selectivity, spread
 *   contexts[]  token, coefficient, sentence, position, label, starts_sentence, ends_sentence,
 *               focus          index into the three lists that follow
 *               tokens[]       each with what stands before it: joined, they are the text
 *               ids[], coefficients[]
 *   neurons[]   neuron, weight
 *   labels[]    label, contexts, context_share, mass_share, token_share, lift
 * </pre>
 *
 * <p>The meaning of the fields is that of the components of the records in {@link
 * org.snmf4j.interpret.contexts} and of {@link org.snmf4j.ModelStatistics}. Numbers that are not
 * finite are null, and unpaired surrogates become {@code ?}.
 */
public final class ReportJson {
  private static final int FLOAT32_DIGITS = 9;

  private ReportJson() {}

  /**
   * Writes a file in one step.
   *
   * @throws org.snmf4j.error.FileAccessException where the system refuses; nothing is left then
   */
  public static void write(Report report, Path file) {
    AtomicFile.write(file, channel -> write(report, Channels.newOutputStream(channel)));
  }

  /** Writes to a stream, which is flushed but stays open. */
  public static void write(Report report, OutputStream stream) throws IOException {
    Writer writer = new OutputStreamWriter(stream, StandardCharsets.UTF_8);
    try (JsonGenerator json = new JsonFactory().createGenerator(writer)) {
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      json.useDefaultPrettyPrinter();
      new ReportFields(json, FLOAT32_DIGITS, 0).write(report);
    }
    writer.flush();
  }
}
