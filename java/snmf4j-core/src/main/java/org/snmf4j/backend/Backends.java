package org.snmf4j.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.InvalidArgumentException;

/** Finds and chooses backends. Safe for use by several threads. */
public final class Backends {
  /** Name that stands for automatic choice. */
  public static final String AUTO = "auto";

  private static final Logger LOG = System.getLogger(Backends.class.getName());
  private static final AtomicBoolean REPORTED = new AtomicBoolean();

  private Backends() {}

  /** All providers on the class path, highest priority first. */
  public static List<BackendProvider> providers() {
    List<BackendProvider> found = new ArrayList<>();
    var iterator =
        ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).iterator();
    while (true) {
      try {
        if (!iterator.hasNext()) {
          break;
        }
        found.add(iterator.next());
      } catch (ServiceConfigurationError e) {
        // A broken third-party backend must not take the working ones with it.
        LOG.log(Level.WARNING, "a backend provider cannot be loaded", e);
      }
    }
    found.sort(
        Comparator.comparingInt(BackendProvider::priority)
            .reversed()
            .thenComparing(BackendProvider::name));
    return found;
  }

  /**
   * Opens a backend.
   *
   * @param name a provider's name, or {@link #AUTO}: then the available one of highest priority,
   *     with one log line that says why better ones were passed over
   * @throws BackendUnavailableException if the named backend cannot run here
   * @throws InvalidArgumentException if no provider has that name
   */
  public static Backend open(String name, BackendConfig config) {
    List<BackendProvider> providers = providers();
    return name.equals(AUTO) ? openBest(providers, config) : openNamed(providers, name, config);
  }

  private static Backend openNamed(
      List<BackendProvider> providers, String name, BackendConfig config) {
    for (BackendProvider provider : providers) {
      if (provider.name().equals(name)) {
        Availability availability = probe(provider);
        if (!availability.available()) {
          throw new BackendUnavailableException(
              "backend " + name + " cannot run here: " + availability.detail());
        }
        return provider.open(config);
      }
    }
    throw new InvalidArgumentException(
        "backend",
        name,
        "auto or one on the class path: "
            + providers.stream().map(BackendProvider::name).collect(Collectors.joining(", ")));
  }

  /** A third-party probe that throws in spite of its contract must not take the others with it. */
  private static Availability probe(BackendProvider provider) {
    try {
      return provider.probe();
    } catch (RuntimeException | LinkageError e) {
      return Availability.no("its probe failed: " + e);
    }
  }

  private static Backend openBest(List<BackendProvider> providers, BackendConfig config) {
    List<String> passedOver = new ArrayList<>();
    for (BackendProvider provider : providers) {
      Availability availability = probe(provider);
      if (!availability.available()) {
        passedOver.add(provider.name() + ": " + availability.detail());
        continue;
      }
      try {
        Backend backend = provider.open(config);
        if (!passedOver.isEmpty() && REPORTED.compareAndSet(false, true)) {
          LOG.log(
              Level.INFO,
              "backend {0} chosen; passed over: {1}",
              backend.name(),
              String.join("; ", passedOver));
        }
        return backend;
      } catch (BackendUnavailableException e) {
        passedOver.add(provider.name() + ": " + e.getMessage());
      }
    }
    throw new BackendUnavailableException(
        "no backend can run here: " + String.join("; ", passedOver));
  }
}
