package org.snmf4j.backend;

/** Describes and opens a backend; registered as a {@link java.util.ServiceLoader} service. */
public interface BackendProvider {
  /** Short lower-case name, for instance {@code "cpu"}; what a user forces it by. */
  String name();

  /** Automatic choice takes the available backend of highest priority. */
  int priority();

  /** Whether the backend can run here. Cheap, never throws, no side effect that outlives it. */
  Availability probe();

  /**
   * Opens the backend; the caller closes it.
   *
   * @throws org.snmf4j.error.BackendUnavailableException if {@link #probe()} says no
   */
  Backend open(BackendConfig config);
}
