/** The {@code snmf4j} command. */
package org.snmf4j.cli;
