/** What the command says and hears: output, progress, JSON and interrupts. */
package org.snmf4j.cli.terminal;
