package org.snmf4j.cli.command;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.cli.doctor.Diagnosis;
import org.snmf4j.cli.terminal.Console;
import org.snmf4j.cli.terminal.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
    name = "doctor",
    description = "Tells what this machine offers: JVM, memory, processor, backends, ONNX Runtime.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    footer = {"", "Example:", "  snmf4j doctor --json"})
final class DoctorCommand implements Runnable {
  private final Console console;

  @Mixin private JsonOption output;

  DoctorCommand(Session session) {
    this.console = session.console();
  }

  @Override
  public void run() {
    Map<String, Object> facts = Diagnosis.of(Commands.Version.number());
    if (output.json) {
      Json.print(console, facts);
    } else {
      facts.forEach((name, value) -> print(name, value, ""));
      console.out().flush();
    }
  }

  private void print(String name, Object value, String indent) {
    String title = indent + name.replace('_', ' ');
    if (value instanceof Map<?, ?> map) {
      console.out().println(title);
      map.forEach((key, inner) -> print(key.toString(), inner, indent + "  "));
    } else if (value instanceof Collection<?> all && all.stream().anyMatch(Map.class::isInstance)) {
      console.out().println(title);
      all.forEach(item -> printItem((Map<?, ?>) item, indent + "  "));
    } else {
      console.out().printf(Locale.ROOT, "%-24s %s%n", title, text(value));
    }
  }

  /** A list's item: its first fact is its heading. */
  private void printItem(Map<?, ?> item, String indent) {
    boolean first = true;
    for (Map.Entry<?, ?> fact : item.entrySet()) {
      if (first) {
        console.out().println(indent + fact.getValue());
      } else {
        print(fact.getKey().toString(), fact.getValue(), indent + "  ");
      }
      first = false;
    }
  }

  private static String text(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? "yes" : "no";
    }
    if (value instanceof Collection<?> all) {
      return all.isEmpty() ? "none" : String.join(", ", all.stream().map(String::valueOf).toList());
    }
    // Sizes of memory are the only long numbers.
    if (value instanceof Long bytes) {
      return String.format(Locale.ROOT, "%.1f GiB", bytes / 1073741824.0);
    }
    return String.valueOf(value);
  }
}
