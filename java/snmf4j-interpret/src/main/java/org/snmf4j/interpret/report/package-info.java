/** What a fit found, as JSON for programs and as one self-contained HTML page for people. */
package org.snmf4j.interpret.report;
