/**
 * What a feature fires on: its strongest tokens with the text around them, its strongest neurons,
 * the labels it prefers, and how legible all that is.
 */
package org.snmf4j.interpret.contexts;
