/** Text that a causal language model writes, steered or not. */
package org.snmf4j.causal.generation;
