package org.snmf4j.backend;

/**
 * Memory that a backend holds, by its own counter.
 *
 * @param current bytes held now
 * @param peak most bytes held at once since the backend was opened or the peak was reset
 */
public record MemoryUse(long current, long peak) {}
