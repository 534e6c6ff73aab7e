package org.snmf4j.cli.command;

import org.snmf4j.cli.terminal.Console;
import org.snmf4j.cli.terminal.Interrupt;

/** What every command needs of the world around it. */
record Session(Console console, Interrupt interrupt) {}
