package org.snmf4j.benchmarks.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a part of the check has found so far. A part is skipped if it says so, failed if an error or
 * a figure out of bounds is among its findings, passed otherwise. For use by one thread.
 */
final class Findings {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<Figure> figures = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final List<String> errors = new ArrayList<>();
  private String skipped;
  private double seconds;

  /** Told, not judged. */
  void figure(String name, double value, String unit) {
    add(new Figure(name, value, unit, Double.NaN, false));
  }

  void atMost(String name, double value, String unit, double most) {
    add(new Figure(name, value, unit, most, false));
  }

  void atLeast(String name, double value, String unit, double least) {
    add(new Figure(name, value, unit, least, true));
  }

  private void add(Figure figure) {
    figures.add(figure);
    System.err.println("  " + figure.text());
  }

  void note(String text) {
    notes.add(text);
    System.err.println("  " + text);
  }

  void error(String text) {
    errors.add(text);
    System.err.println("  FAILED: " + text);
  }

  /** The part cannot be run here. */
  void skip(String reason) {
    skipped = reason;
    System.err.println("  skipped: " + reason);
  }

  void seconds(double seconds) {
    this.seconds = seconds;
  }

  String status() {
    boolean bad = !errors.isEmpty() || !figures.stream().allMatch(Figure::holds);
    return bad ? "failed" : skipped != null ? "skipped" : "passed";
  }

  /** Why it failed or was skipped; empty otherwise. */
  String cause() {
    if (!errors.isEmpty()) {
      return errors.get(0);
    }
    return figures.stream()
        .filter(figure -> !figure.holds())
        .map(Figure::text)
        .findFirst()
        .orElse(skipped == null ? "" : skipped);
  }

  List<Figure> figures() {
    return figures;
  }

  Map<String, Object> facts(String name) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", name);
    facts.put("status", status());
    facts.put("seconds", seconds);
    if (skipped != null) {
      facts.put("skipped", skipped);
    }
    facts.put("errors", errors);
    facts.put("figures", figures.stream().map(Figure::facts).toList());
    facts.put("notes", notes);
    return facts;
  }

  void write(Path file, String name) throws IOException {
    JSON.writeValue(file.toFile(), facts(name));
  }

  /** Takes in what another process has written. */
  void read(Path file) throws IOException {
    JsonNode facts = JSON.readTree(file.toFile());
    for (JsonNode figure : facts.path("figures")) {
      boolean least = figure.has("at_least");
      double bound = figure.path(least ? "at_least" : "at_most").asDouble(Double.NaN);
      figures.add(
          new Figure(
              figure.path("name").asText(),
              // NaN and infinities are written as texts.
              Double.parseDouble(figure.path("value").asText()),
              figure.path("unit").asText(),
              bound,
              least));
    }
    facts.path("notes").forEach(note -> notes.add(note.asText()));
    facts.path("errors").forEach(error -> errors.add(error.asText()));
    if (facts.has("skipped")) {
      skipped = facts.path("skipped").asText();
    }
  }
}
