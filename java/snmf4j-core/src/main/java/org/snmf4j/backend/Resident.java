package org.snmf4j.backend;

import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * Data that lives where a backend computes. Freed by {@link #close()}, or with its backend.
 *
 * <p>Threads: calls are serialized with those of the backend; close waits for a running operation.
 */
public abstract class Resident implements AutoCloseable {
  private final AbstractBackend owner;
  private Resident origin;
  private boolean closed;

  /** The backend registers what its do-methods return, once it is complete. */
  protected Resident(AbstractBackend owner) {
    this.owner = owner;
  }

  /**
   * Frees the memory, of a view only its own; called once, under the backend's lock, and before the
   * memory that a view shows is freed.
   */
  protected abstract void free();

  /** The backend's lock, taken around every operation. */
  protected final AbstractBackend owner() {
    return owner;
  }

  final void requireUsable(AbstractBackend user, String name) {
    if (owner != user) {
      throw new InvalidArgumentException(name, "of another backend", "of this backend");
    }
    if (closed) {
      throw new ClosedException(name + " are closed");
    }
  }

  /** Makes this share the memory of {@code shown}; closing that closes this. */
  final void viewOf(Resident shown) {
    origin = shown;
  }

  final boolean isViewOf(Resident other) {
    return origin != null && (origin == other || origin.isViewOf(other));
  }

  final void requireOwn(String name) {
    if (origin != null) {
      throw new InvalidArgumentException(name, "a sample of others", "no sample");
    }
  }

  final void release() {
    if (!closed) {
      closed = true;
      free();
    }
  }

  @Override
  public final void close() {
    owner.unregister(this);
  }
}
