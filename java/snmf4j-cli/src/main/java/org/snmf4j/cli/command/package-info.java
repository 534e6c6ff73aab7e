/** The subcommands: what they accept, what they do, what they print. */
package org.snmf4j.cli.command;
