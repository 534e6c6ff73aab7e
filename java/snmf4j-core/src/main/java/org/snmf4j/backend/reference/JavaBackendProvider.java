package org.snmf4j.backend.reference;

import org.snmf4j.backend.Availability;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.BackendProvider;

/** Provides the pure-Java backend, {@code "java"}, which runs everywhere. */
public final class JavaBackendProvider implements BackendProvider {
  /** The backend's name. */
  public static final String NAME = "java";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability probe() {
    return Availability.yes("float64 on Java " + Runtime.version().feature());
  }

  @Override
  public Backend open(BackendConfig config) {
    return new JavaBackend(config.threads());
  }
}
