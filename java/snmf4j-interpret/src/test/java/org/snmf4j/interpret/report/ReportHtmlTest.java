package org.snmf4j.interpret.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReportHtmlTest {
  private static final Pattern DATA =
      Pattern.compile(
          "<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL);
  private static final Pattern SCRIPT = Pattern.compile("<script>(.*?)</script>", Pattern.DOTALL);

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "</script><script>alert(1)</script>",
        "</SCRIPT\t><img/src=x/onerror=alert(1)>",
        "<!--<script>",
        "]]>&lt;&#x27;&quot;",
        "\"};alert(1);//\\",
        "{{data}}{{script}}{{nothing}}",
        "\u2028\u2029\u0000\u0007\uFEFF",
        "${7*7}`'<svg/onload=alert(1)>"
      })
  void hostileTextsStayTexts(String hostile) throws IOException {
    Report report =
        ReportFixture.of(
            directory, new ReportSource(hostile, hostile), hostile, hostile + " end", "rest");
    String page = write(report);
    Matcher data = DATA.matcher(page);
    assertTrue(data.find());
    String json = data.group(1);
    assertFalse(json.contains("<") || json.contains(">") || json.contains("&"), json);
    // Two scripts, the data and the page's own, whatever the texts say.
    assertEquals(3, page.toLowerCase(Locale.ROOT).split("<script").length);
    String around = page.substring(0, data.start(1)) + page.substring(data.end(1));
    assertEquals(around(), around);

    JsonNode read = new ObjectMapper().readTree(json);
    assertEquals(hostile, read.get("model").get("name").asText());
    assertEquals(hostile, read.get("model").get("labels").get(0).asText());
    JsonNode context = read.get("features").get(0).get("contexts").get(1);
    assertEquals(hostile, context.get("tokens").get(0).asText());
    assertEquals(hostile, context.get("label").asText());
  }

  @Test
  void halfACharacterBecomesAQuestionMark() throws IOException {
    Report report =
        ReportFixture.of(
            directory, ReportSource.unknown(), null, "a\uD83E b\uDD8A \uD83E\uDD8A", "rest");
    Matcher data = DATA.matcher(write(report));
    assertTrue(data.find());
    JsonNode read = new ObjectMapper().readTree(data.group(1));
    JsonNode tokens = read.get("features").get(0).get("contexts").get(0).get("tokens");
    assertEquals("a?", tokens.get(0).asText());
    assertEquals(" b?", tokens.get(1).asText());
    assertEquals(" \uD83E\uDD8A", tokens.get(2).asText());
    assertTrue(read.get("model").get("name").isNull());
  }

  @Test
  void onlyItsOwnScriptAndStyleMayRun() throws Exception {
    String page = page();
    Matcher script = SCRIPT.matcher(page);
    assertTrue(script.find());
    assertTrue(page.contains("script-src " + hash(script.group(1)) + ";"));
    String style = page.substring(page.indexOf("<style>") + 7, page.indexOf("</style>"));
    assertTrue(page.contains("style-src " + hash(style) + ";"));
    assertTrue(page.contains("default-src 'none'"));
    assertFalse(page.contains(" style=\""), "the policy blocks style attributes");
  }

  @Test
  void needsNothingElse() throws IOException {
    String page = page();
    assertFalse(Pattern.compile("\\s(src|href)\\s*=").matcher(page).find());
    assertFalse(Pattern.compile("@import|url\\(|fetch\\(|XMLHttp|import\\(").matcher(page).find());
    // The one address is the name of SVG's namespace.
    assertEquals("w3.org/2000/svg'", page.split("https?://(www\\.)?", 2)[1].substring(0, 16));
    assertEquals(2, page.split("https?://").length);
    assertFalse(page.contains("{{"), "every place is filled");
  }

  @Test
  void textsEnterAsTextNodesOnly() throws IOException {
    for (String script : new String[] {"dom.js", "chart.js", "card.js", "page.js"}) {
      String text = Template.resource(script);
      for (String sink :
          new String[] {
            "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("
          }) {
        assertFalse(text.contains(sink), script + " uses " + sink);
      }
    }
  }

  @Test
  void tracesTooFaintToSeeAreLeftOut() throws IOException {
    float[][] coefficients = {{10, 0.02f, 0.06f}, {1, 0, 0}};
    Report report =
        ReportFixture.of(directory, ReportSource.unknown(), null, coefficients, "a b c");
    JsonNode context = data(write(report)).get("features").get(0).get("contexts").get(0);
    assertEquals("[10.0,0,0.06]", context.get("coefficients").toString());
  }

  @Test
  void templateRefusesAnUnfilledPlace() throws IOException {
    StringWriter out = new StringWriter();
    IllegalStateException error =
        Assertions.assertThrows(
            IllegalStateException.class,
            () -> Template.of("report.html").write(out, Map.of("style", w -> w.write("x"))));
    assertEquals("nothing fills {{style-hash}}", error.getMessage());
    assertNotNull(Template.resource("report.html"));
  }

  /** What every page consists of besides its data. */
  private String around() throws IOException {
    String page = page();
    Matcher data = DATA.matcher(page);
    assertTrue(data.find());
    return page.substring(0, data.start(1)) + page.substring(data.end(1));
  }

  private static JsonNode data(String page) throws IOException {
    Matcher data = DATA.matcher(page);
    assertTrue(data.find());
    return new ObjectMapper().readTree(data.group(1));
  }

  private String page() throws IOException {
    return write(ReportFixture.of(directory, ReportSource.unknown(), "l", "One two", "three"));
  }

  private String write(Report report) throws IOException {
    Path file = directory.resolve("report.html");
    ReportHtml.write(report, file);
    return Files.readString(file);
  }

  private static String hash(String text) throws Exception {
    byte[] digest =
        MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
  }
}
