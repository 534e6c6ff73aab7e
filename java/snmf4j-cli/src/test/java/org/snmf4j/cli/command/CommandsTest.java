package org.snmf4j.cli.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "doctor",
        "extract",
        "fit",
        "encode",
        "contexts",
        "report",
        "demo",
        "import-llama2c"
      })
  void everyCommandExplainsItself(String command) {
    Run run = Run.of(command, "--help");
    assertEquals(0, run.status());
    assertEquals("", run.err());
    assertTrue(run.out().startsWith("Usage: snmf4j " + command), run.out());
    assertTrue(run.out().contains("Example"), run.out());
  }

  @Test
  void theRootListsTheCommands() {
    Run run = Run.of("--help");
    assertEquals(0, run.status());
    assertTrue(run.out().contains("doctor"), run.out());
  }

  @Test
  void versionIsOneLine() {
    Run run = Run.of("--version");
    assertEquals(0, run.status());
    assertTrue(run.out().matches("snmf4j \\S+\\R"), run.out());
  }

  @Test
  void noCommandIsAUsageError() {
    assertUsage("snmf4j: a command is missing (see 'snmf4j --help')");
  }

  @Test
  void aMisspeltCommandIsAUsageErrorWithAHint() {
    Run run = Run.of("docter");
    assertEquals(2, run.status());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("'docter'"), run.err());
    assertTrue(run.err().contains("did you mean doctor"), run.err());
  }

  @Test
  void anUnknownOptionIsAUsageError() {
    assertUsage(
        "snmf4j doctor: Unknown option: '--frobnicate' (see 'snmf4j doctor --help')",
        "doctor",
        "--frobnicate");
  }

  @Test
  void doctorNamesTheBackendThatAutomaticChoiceTakes() {
    Run run = Run.of("doctor", "--json");
    assertEquals(0, run.status(), run.err());
    JsonNode facts = run.json();
    String chosen = facts.at("/automatic_choice/backend").textValue();
    if (System.getProperty("os.name").equals("Linux")
        && System.getProperty("os.arch").equals("amd64")) {
      boolean gpu = facts.at("/backends/0/available").booleanValue();
      assertEquals(gpu ? "cuda" : "cpu", chosen, "the native code was built for this platform");
    }
    assertEquals("cuda", facts.at("/backends/0/name").textValue());
    boolean found = false;
    for (JsonNode backend : facts.get("backends")) {
      assertFalse(backend.get("detail").textValue().isBlank(), backend.toString());
      if (backend.get("name").textValue().equals(chosen)) {
        assertTrue(backend.get("available").booleanValue(), backend.toString());
        found = true;
      }
    }
    assertTrue(found, facts.toString());
    assertTrue(facts.at("/memory/off_heap_limit").longValue() > 0, facts.toString());
    assertTrue(facts.at("/onnx_runtime/available").booleanValue(), facts.toString());
    boolean cuda = facts.at("/onnx_runtime/cuda").booleanValue();
    assertEquals(cuda ? "cuda" : "cpu", facts.at("/onnx_runtime/models_run_on").textValue());
    assertFalse(facts.at("/onnx_runtime/cuda_detail").textValue().isBlank(), facts.toString());
  }

  @Test
  void doctorsTextNamesTheSameFacts() {
    Run run = Run.of("doctor");
    assertEquals(0, run.status(), run.err());
    for (String heading : new String[] {"processor", "backends", "automatic choice", "memory"}) {
      assertTrue(run.out().lines().anyMatch(line -> line.startsWith(heading)), run.out());
    }
  }

  private static void assertUsage(String message, Object... arguments) {
    Run run = Run.of(arguments);
    assertEquals(2, run.status());
    assertEquals("", run.out());
    assertEquals(message + System.lineSeparator(), run.err());
  }
}
