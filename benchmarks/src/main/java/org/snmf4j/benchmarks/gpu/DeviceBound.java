package org.snmf4j.benchmarks.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.backend.Precision;
import org.snmf4j.benchmarks.Shape;

/**
 * What the device can do at this moment, by the bundle's program that measures it.
 *
 * @param device its name
 * @param readRate bytes read per second
 * @param fmaRate float32 operations per second, a multiplication and an addition being two
 * @param uploadRate bytes per second from pinned memory of the host
 */
record DeviceBound(String device, double readRate, double fmaRate, double uploadRate) {
  /**
   * Measures; takes some seconds.
   *
   * @return null where there is no such program or no device, which the findings are told
   */
  static DeviceBound measure(Settings settings, Findings findings) throws Exception {
    String missing = settings.whyNoPrograms();
    if (missing != null) {
      findings.note("no peaks of a device: " + missing);
      return null;
    }
    Processes.Ended ended =
        Processes.run(
            settings,
            "peaks.log",
            Map.of(),
            List.of(settings.program("cuda_device_peaks").toString()));
    if (ended.status() != 0) {
      findings.error("the program that measures peaks " + ended.how() + ": " + ended.tail());
      return null;
    }
    JsonNode facts = new ObjectMapper().readTree(ended.output());
    DeviceBound bound =
        new DeviceBound(
            facts.path("device").asText(),
            facts.path("read_bytes_per_second").asDouble(),
            facts.path("fma_flops_per_second").asDouble(),
            facts.path("upload_bytes_per_second").asDouble());
    findings.note(
        String.format(
            Locale.ROOT,
            "%s: reads %.0f GB/s, %.1f Tflop/s float32, %.1f GB/s from the host",
            bound.device,
            bound.readRate * 1e-9,
            bound.fmaRate * 1e-12,
            bound.uploadRate * 1e-9));
    return bound;
  }

  /** The device that the project's limits of speed are for. */
  boolean isH200() {
    return device.contains("H200");
  }

  /** The better of two measurements. */
  DeviceBound best(DeviceBound other) {
    return other == null
        ? this
        : new DeviceBound(
            device,
            Math.max(readRate, other.readRate),
            Math.max(fmaRate, other.fmaRate),
            Math.max(uploadRate, other.uploadRate));
  }

  /** Seconds below which an iteration cannot be done: A is read once, 6nk² operations are made. */
  double floor(Shape shape, Precision precision) {
    double bytes = (double) shape.neurons() * shape.tokens() * precision.bytes();
    double flops = 6.0 * shape.tokens() * shape.rank() * shape.rank();
    return Math.max(bytes / readRate, flops / fmaRate);
  }
}
