package org.snmf4j.benchmarks.gpu;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Something measured.
 *
 * @param name what
 * @param value how much
 * @param unit of what; empty for a number
 * @param bound what it has to keep to; NaN if it is only told
 * @param isFloor whether the bound is the least, not the most, that the value may be
 */
record Figure(String name, double value, String unit, double bound, boolean isFloor) {
  boolean judged() {
    return !Double.isNaN(bound);
  }

  boolean holds() {
    return !judged() || (isFloor ? value >= bound : value <= bound);
  }

  Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", name);
    facts.put("value", value);
    facts.put("unit", unit);
    if (judged()) {
      facts.put(isFloor ? "at_least" : "at_most", bound);
      facts.put("holds", holds());
    }
    return facts;
  }

  String text() {
    String line = name + ": " + number(value) + (unit.isEmpty() ? "" : " " + unit);
    return !judged()
        ? line
        : line
            + (holds() ? "  ok, " : "  NOT ")
            + (isFloor ? "at least " : "at most ")
            + number(bound);
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e9
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.4g", value);
  }
}
