package org.snmf4j.interpret.contexts;

/**
 * A token of a context.
 *
 * @param gap what stands between the previous token of the context and this one: white space, as a
 *     rule, or nothing within a word
 * @param text the token as it stands in the sentence; without a text the tokenizer's piece, and
 *     without a tokenizer {@code ‹id›}
 * @param id the token's id in the model's vocabulary
 * @param coefficient the feature's coefficient at this token, 0 where it does not fire
 */
public record ContextToken(String gap, String text, int id, double coefficient) {}
