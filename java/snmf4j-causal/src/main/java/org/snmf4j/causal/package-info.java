/** Directions at the sites of causal language models. */
package org.snmf4j.causal;
