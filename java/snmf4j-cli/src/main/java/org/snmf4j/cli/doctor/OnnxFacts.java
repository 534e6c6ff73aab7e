package org.snmf4j.cli.doctor;

import ai.onnxruntime.OrtEnvironment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** ONNX Runtime, or why it cannot be used. */
final class OnnxFacts {
  private OnnxFacts() {}

  static Map<String, Object> describe() {
    Map<String, Object> facts = new LinkedHashMap<>();
    try {
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      facts.put("available", true);
      facts.put("version", environment.getVersion());
      facts.put(
          "providers",
          OrtEnvironment.getAvailableProviders().stream().map(Objects::toString).sorted().toList());
    } catch (LinkageError | RuntimeException e) {
      // The first failure is an ExceptionInInitializerError, whose cause tells more.
      Throwable cause = e.getCause() == null ? e : e.getCause();
      facts.put("available", false);
      facts.put("cause", cause.toString());
    }
    return facts;
  }
}
