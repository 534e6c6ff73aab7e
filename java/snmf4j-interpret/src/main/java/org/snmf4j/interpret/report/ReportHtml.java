package org.snmf4j.interpret.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.snmf4j.io.AtomicFile;

/**
 * Writes a report as one HTML page that needs nothing else: no network, no other file.
 *
 * <p>Texts of the data set are shown as they are and cannot become markup or code: they travel as
 * JSON without {@code <}, {@code >} and {@code &}, enter the page as text nodes only, and the
 * page's own content security policy runs no script but the one it was written with.
 */
public final class ReportHtml {
  /** Enough for a tooltip; more would only make the page larger. */
  private static final int SHOWN_DIGITS = 4;

  /**
   * Highlights fainter than this cannot be seen. A multiplicative fit never reaches 0, and the page
   * would grow by all its traces.
   */
  private static final double VISIBLE_SHARE = 0.005;

  private ReportHtml() {}

  /**
   * Writes a file in one step.
   *
   * @throws org.snmf4j.error.FileAccessException where the system refuses; nothing is left then
   */
  public static void write(Report report, Path file) {
    AtomicFile.write(file, channel -> write(report, Channels.newOutputStream(channel)));
  }

  /** Writes UTF-8 to a stream, which is flushed but stays open. */
  public static void write(Report report, OutputStream stream) throws IOException {
    String style = Template.resource("report.css");
    String script =
        "'use strict';\n(() => {\n"
            + Template.resource("dom.js")
            + Template.resource("chart.js")
            + Template.resource("card.js")
            + Template.resource("page.js")
            + "})();\n";
    Writer writer =
        new BufferedWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), 1 << 16);
    Template.of("report.html")
        .write(
            writer,
            Map.of(
                "style", out -> out.write(style),
                "style-hash", out -> out.write(Template.hash(style)),
                "script", out -> out.write(script),
                "script-hash", out -> out.write(Template.hash(script)),
                "data", out -> writeData(report, out)));
    writer.flush();
  }

  private static void writeData(Report report, Writer out) throws IOException {
    try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
      json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
      json.disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
      json.setCharacterEscapes(new MarkupEscapes());
      new ReportFields(json, SHOWN_DIGITS, VISIBLE_SHARE).write(report);
    }
  }
}
