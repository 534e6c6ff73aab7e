package org.snmf4j.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.fixture.BrokenProviders;

class BackendsTest {
  private static final Logger LOG = Logger.getLogger(Backends.class.getName());

  @TempDir Path directory;
  private final List<LogRecord> records = new ArrayList<>();
  private final Handler recorder =
      new Handler() {
        @Override
        public void publish(LogRecord record) {
          records.add(record);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void listen() {
    LOG.addHandler(recorder);
    LOG.setUseParentHandlers(false);
  }

  @AfterEach
  void stopListening() {
    LOG.removeHandler(recorder);
    LOG.setUseParentHandlers(true);
  }

  private List<String> messages(Level level) {
    return records.stream()
        .filter(record -> record.getLevel().equals(level))
        .map(new SimpleFormatter()::formatMessage)
        .toList();
  }

  /**
   * The library loaded anew, next to providers as a user's class path would bring them: neither
   * they nor the once-only log line touch other tests.
   */
  private URLClassLoader isolated(Class<?>... providers) throws IOException {
    Path services = Files.createDirectories(directory.resolve("META-INF/services"));
    List<String> names = new ArrayList<>();
    for (Class<?> provider : providers) {
      names.add(provider.getName());
    }
    names.add("org.snmf4j.backend.DoesNotExist");
    Files.write(services.resolve(BackendProvider.class.getName()), names);
    return new URLClassLoader(
        new URL[] {
          directory.toUri().toURL(),
          Backends.class.getProtectionDomain().getCodeSource().getLocation(),
          BrokenProviders.class.getProtectionDomain().getCodeSource().getLocation()
        },
        ClassLoader.getPlatformClassLoader());
  }

  /** Opens a backend over there and returns its name. */
  private static String open(ClassLoader loader, String name) throws Throwable {
    Class<?> config = loader.loadClass(BackendConfig.class.getName());
    try {
      Object backend =
          loader
              .loadClass(Backends.class.getName())
              .getMethod("open", String.class, config)
              .invoke(null, name, config.getConstructor(int.class).newInstance(1));
      Class<?> type = loader.loadClass(Backend.class.getName());
      String opened = (String) type.getMethod("name").invoke(backend);
      type.getMethod("close").invoke(backend);
      return opened;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Test
  void automaticChoiceFallsBackWithOneReasonedLine() throws Throwable {
    try (URLClassLoader loader =
        isolated(
            BrokenProviders.Preferred.class,
            BrokenProviders.FailsToOpen.class,
            BrokenProviders.ThrowsFromProbe.class,
            BrokenProviders.DoesNotLoad.class)) {
      assertEquals("java", open(loader, "auto"));
      assertEquals("java", open(loader, "auto"));
      assertEquals(
          List.of(
              "backend java chosen; passed over:"
                  + " preferred: libpreferred.so.1 was not found in /usr/lib;"
                  + " late: the driver went away;"
                  + " rude: its probe failed: java.lang.UnsatisfiedLinkError: no rude in"
                  + " java.library.path"),
          messages(Level.INFO));
      assertTrue(
          messages(Level.WARNING).contains("a backend provider cannot be loaded"),
          records::toString);
    }
  }

  @Test
  void noLineIfTheBestBackendRuns() throws Throwable {
    try (URLClassLoader loader = isolated()) {
      assertEquals("java", open(loader, "auto"));
      assertEquals(List.of(), messages(Level.INFO));
    }
  }

  @Test
  void aForcedBackendFailsLoudly() throws Throwable {
    try (URLClassLoader loader =
        isolated(
            BrokenProviders.Preferred.class,
            BrokenProviders.FailsToOpen.class,
            BrokenProviders.ThrowsFromProbe.class)) {
      requireUnavailable(
          loader,
          "preferred",
          "backend preferred cannot run here: libpreferred.so.1 was not found in /usr/lib");
      requireUnavailable(loader, "late", "the driver went away");
      requireUnavailable(
          loader,
          "rude",
          "backend rude cannot run here: its probe failed: java.lang.UnsatisfiedLinkError: no rude"
              + " in java.library.path");
      assertEquals(List.of(), messages(Level.INFO));
    }
  }

  private static void requireUnavailable(ClassLoader loader, String name, String message) {
    try {
      String opened = open(loader, name);
      throw new AssertionError(opened + " was opened instead of " + name);
    } catch (AssertionError e) {
      throw e;
    } catch (Throwable e) {
      assertEquals(BackendUnavailableException.class.getName(), e.getClass().getName());
      assertEquals(message, e.getMessage());
    }
  }

  @Test
  void providersComeByPriority() {
    List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
    assertEquals(List.of("java", "unavailable"), names);
    for (BackendProvider provider : Backends.providers()) {
      Availability availability = provider.probe();
      assertEquals(provider.name().equals("java"), availability.available());
      assertTrue(availability.detail().length() > 5, availability::toString);
    }
  }

  @Test
  void unknownNamesListTheKnown() {
    assertEquals(
        "backend is Java but must be auto or one on the class path: java, unavailable",
        assertThrowsExactly(
                InvalidArgumentException.class,
                () -> Backends.open("Java", BackendConfig.defaults()))
            .getMessage());
  }

  @Test
  void threadsAreLimited() {
    for (int threads : new int[] {0, -1, 1025}) {
      assertEquals(
          "threads is " + threads + " but must be between 1 and 1024",
          assertThrowsExactly(InvalidArgumentException.class, () -> new BackendConfig(threads))
              .getMessage());
    }
    assertEquals(Runtime.getRuntime().availableProcessors(), BackendConfig.defaults().threads());
  }

  @Test
  void rulesCheckTheirArguments() {
    requireRefused(
        "epsilon is 0.0 but must be positive and finite", () -> new UpdateRule.Multiplicative(0));
    requireRefused(
        "epsilon is NaN but must be positive and finite",
        () -> new UpdateRule.Multiplicative(Double.NaN));
    requireRefused("sweeps is 0 but must be at least 1", () -> new UpdateRule.Hals(0, 0));
    requireRefused(
        "tolerance is -1.0 but must be at least 0 and below 1", () -> new UpdateRule.Hals(1, -1));
    requireRefused(
        "tolerance is NaN but must be at least 0 and below 1",
        () -> new UpdateRule.Hals(1, Double.NaN));
    requireRefused(
        "tolerance is 1.0 but must be at least 0 and below 1", () -> new UpdateRule.Hals(1, 1));
  }

  private static void requireRefused(
      String message, org.junit.jupiter.api.function.Executable call) {
    assertEquals(message, assertThrowsExactly(InvalidArgumentException.class, call).getMessage());
  }
}
