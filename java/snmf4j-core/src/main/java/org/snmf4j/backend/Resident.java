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
  private boolean closed;

  /** The backend registers what its do-methods return, once it is complete. */
  protected Resident(AbstractBackend owner) {
    this.owner = owner;
  }

  /** Frees the memory; called once, under the backend's lock. */
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
