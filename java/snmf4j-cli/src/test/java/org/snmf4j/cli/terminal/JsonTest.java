package org.snmf4j.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
  @Test
  void writesNullForWhatJsonCannotSay() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("a", Double.NaN);
    value.put("b", new double[] {1.5, Double.POSITIVE_INFINITY});
    value.put("c", List.of(Float.NEGATIVE_INFINITY, 2f));
    value.put("d", "ü \"quoted\"\n");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    Json.print(new Console(stream, stream, false, false), value);
    assertEquals(
        "{\"a\":null,\"b\":[1.5,null],\"c\":[null,2.0],\"d\":\"ü \\\"quoted\\\"\\n\"}\n",
        out.toString(StandardCharsets.UTF_8));
  }
}
