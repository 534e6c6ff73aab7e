package org.snmf4j.interpret.report;

/**
 * What was decomposed, in the user's words; shown as it is.
 *
 * @param model name of the language model, or null
 * @param data name of the data set, or null
 */
public record ReportSource(String model, String data) {
  /** Nothing known. */
  public static ReportSource unknown() {
    return new ReportSource(null, null);
  }
}
