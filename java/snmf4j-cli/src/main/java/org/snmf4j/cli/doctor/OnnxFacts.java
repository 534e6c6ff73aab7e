package org.snmf4j.cli.doctor;

import ai.onnxruntime.OrtEnvironment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.snmf4j.backend.Availability;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.runtime.CudaSupport;
import org.snmf4j.onnx.runtime.ExecutionProvider;

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
      addChoice(facts);
    } catch (LinkageError | RuntimeException e) {
      // The first failure is an ExceptionInInitializerError, whose cause tells more.
      Throwable cause = e.getCause() == null ? e : e.getCause();
      facts.put("available", false);
      facts.put("cause", cause.toString());
    }
    return facts;
  }

  /** What models run on here if no option says otherwise. */
  private static void addChoice(Map<String, Object> facts) {
    Availability cuda = CudaSupport.availability();
    facts.put("cuda", cuda.available());
    facts.put("cuda_detail", cuda.detail());
    try {
      ExecutionProvider wanted = ExecutionProvider.configured();
      boolean onCuda = wanted != ExecutionProvider.CPU && cuda.available();
      facts.put("provider", wanted.toString());
      facts.put(
          "models_run_on",
          wanted == ExecutionProvider.CUDA && !onCuda ? "nothing" : onCuda ? "cuda" : "cpu");
    } catch (InvalidArgumentException e) {
      facts.put("models_run_on", "nothing: " + e.getMessage());
    }
  }
}
