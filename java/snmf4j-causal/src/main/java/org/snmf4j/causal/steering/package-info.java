/** What steering does to a model's next token, and how strong it must be for a wanted effect. */
package org.snmf4j.causal.steering;
