package org.snmf4j.causal;

/**
 * Tokens to run.
 *
 * @param rows sequences
 * @param length tokens of each in this run
 * @param past tokens of each that the cache holds
 * @param ids {@code [rows, length]}
 * @param mask {@code [rows, past + length]}: 1 for tokens, 0 for padding
 * @param positions {@code [rows, length]}: of each token in its sequence
 * @param read {@code [rows]}: which token's logits are wanted, from 0 to length - 1
 */
record Step(
    int rows, int length, int past, long[] ids, long[] mask, long[] positions, int[] read) {}
