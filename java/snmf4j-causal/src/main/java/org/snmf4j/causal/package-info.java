/**
 * Causal language models that run with their key/value cache, directions at their sites, and
 * steering along them. Text is in {@link org.snmf4j.causal.generation}, the search for a strength
 * in {@link org.snmf4j.causal.steering}.
 */
package org.snmf4j.causal;
