/** Directions found from sentences, and how activations compare with a direction. */
package org.snmf4j.causal.directions;
