/** What directions in a causal language model say in words of its vocabulary. */
package org.snmf4j.causal.projection;
