package org.snmf4j.cli.doctor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.snmf4j.backend.Availability;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.SnmfException;

/** The backends on the class path, and which one automatic choice opens. */
final class BackendFacts {
  /** Held here, because the logging system alone would forget its level. */
  private static final Logger CHOICE = Logger.getLogger(Backends.class.getName());

  private BackendFacts() {}

  static List<Map<String, Object>> providers() {
    List<Map<String, Object>> all = new ArrayList<>();
    for (BackendProvider provider : Backends.providers()) {
      Availability availability = provider.probe();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("name", provider.name());
      facts.put("priority", provider.priority());
      facts.put("available", availability.available());
      facts.put("detail", availability.detail());
      all.add(facts);
    }
    return all;
  }

  /** Opens what automatic choice opens, rather than guessing it from the probes. */
  static Map<String, Object> automatic() {
    Map<String, Object> facts = new LinkedHashMap<>();
    // The facts tell why; the same as a log line would only stand above them.
    CHOICE.setLevel(Level.WARNING);
    try (Backend backend = Backends.open(Backends.AUTO, BackendConfig.defaults())) {
      facts.put("backend", backend.name());
      facts.put("description", backend.description());
      facts.put("computes_in", backend.elementType().name().toLowerCase(java.util.Locale.ROOT));
      facts.put("threads", backend.threads());
      facts.put("why", why(backend.name()));
    } catch (SnmfException e) {
      facts.put("backend", null);
      facts.put("why", e.getMessage());
    }
    return facts;
  }

  private static String why(String chosen) {
    List<String> passedOver = new ArrayList<>();
    for (BackendProvider provider : Backends.providers()) {
      if (provider.name().equals(chosen)) {
        break;
      }
      passedOver.add(provider.name() + " (" + provider.probe().detail() + ")");
    }
    return passedOver.isEmpty()
        ? "highest priority, and available"
        : "passed over: " + String.join("; ", passedOver);
  }
}
