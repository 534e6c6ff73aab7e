package org.snmf4j.cli.doctor;

import java.util.LinkedHashMap;
import java.util.Map;

/** Everything about this machine that decides what runs and how fast. */
public final class Diagnosis {
  private Diagnosis() {}

  /**
   * Collects the facts; never fails for want of a part, but says what is missing.
   *
   * @param version of the command
   */
  public static Map<String, Object> of(String version) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("snmf4j", version);
    facts.put("java", Machine.java());
    facts.put("system", Machine.system());
    facts.put("processor", Processor.describe());
    facts.put("memory", Machine.memory());
    facts.put("backends", BackendFacts.providers());
    facts.put("automatic_choice", BackendFacts.automatic());
    facts.put("onnx_runtime", OnnxFacts.describe());
    return facts;
  }
}
