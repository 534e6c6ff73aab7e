package org.snmf4j.causal.projection;

import java.util.Optional;

/**
 * How strongly a direction speaks for a token.
 *
 * @param id the token
 * @param score its logit
 * @param text the token's text with the space before it, if a tokenizer was given
 */
public record TokenScore(int id, float score, Optional<String> text) {}
