package org.snmf4j.backend;

/**
 * What {@link Backend#revive} found and did.
 *
 * @param dead features that were dead
 * @param revived how many of them have a new start; less where too few tokens are left to explain
 */
public record ReviveResult(int dead, int revived) {}
