package org.snmf4j.backend;

/**
 * Whether a backend can run here, and why or why not.
 *
 * @param available whether {@link BackendProvider#open} may be called
 * @param detail if available, what was found (versions, instruction set, device); if not, the
 *     cause, and what to do about it
 */
public record Availability(boolean available, String detail) {
  public static Availability yes(String detail) {
    return new Availability(true, detail);
  }

  public static Availability no(String cause) {
    return new Availability(false, cause);
  }
}
