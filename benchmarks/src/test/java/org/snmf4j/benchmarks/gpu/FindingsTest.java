package org.snmf4j.benchmarks.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.backend.Precision;
import org.snmf4j.benchmarks.Shape;

class FindingsTest {
  @TempDir Path directory;

  @Test
  void whatIsToldIsNotJudged() {
    Findings findings = new Findings();
    assertEquals("passed", findings.status());
    findings.figure("loss", Double.NaN, "");
    findings.atMost("deviation", 1e-4, "", 1e-4);
    findings.atLeast("tests", 3, "", 1);
    assertEquals("passed", findings.status());
    assertEquals("", findings.cause());
  }

  @Test
  void figuresOutOfBoundsAndErrorsFail() {
    Findings above = new Findings();
    above.atMost("deviation", 2e-4, "", 1e-4);
    assertEquals("failed", above.status());
    assertTrue(above.cause().startsWith("deviation: 0.0002000  NOT at most"), above.cause());
    Findings below = new Findings();
    below.atLeast("tests", 0, "", 1);
    assertEquals("failed", below.status());
    Findings nothing = new Findings();
    nothing.atMost("deviation", Double.NaN, "", 1e-4);
    assertEquals("failed", nothing.status());
    Findings error = new Findings();
    error.skip("no room");
    error.error("crashed");
    assertEquals("failed", error.status());
    assertEquals("crashed", error.cause());
  }

  @Test
  void anotherProcessReadsTheSame() throws IOException {
    Findings written = new Findings();
    written.figure("time", 1.5, "ms");
    written.atMost("ratio", Double.POSITIVE_INFINITY, "", 3);
    written.atLeast("times", 40, "", 30);
    written.note("a note");
    written.skip("a reason");
    Path file = directory.resolve("findings.json");
    written.write(file, "speed");
    Findings read = new Findings();
    read.read(file);
    assertEquals(written.facts("speed"), read.facts("speed"));
    Map<String, Object> facts = read.facts("speed");
    assertEquals("failed", facts.get("status"));
    assertEquals("a reason", facts.get("skipped"));
  }

  @Test
  void theFloorIsTheLargerOfReadingAndComputing() {
    DeviceBound bound = new DeviceBound("NVIDIA H200", 4e12, 60e12, 5e10);
    assertTrue(bound.isH200());
    double reading = 4.0 * 14336 * 100_000 / 4e12;
    Shape narrow = new Shape(14336, 100_000, 100);
    assertEquals(reading, bound.floor(narrow, Precision.FP32), 1e-9);
    assertEquals(reading / 2, bound.floor(narrow, Precision.BF16), 1e-9);
    Shape wide = new Shape(14336, 100_000, 400);
    assertEquals(6.0 * 100_000 * 160_000 / 60e12, bound.floor(wide, Precision.BF16), 1e-9);
  }
}
