/** What this machine offers to the library. */
package org.snmf4j.cli.doctor;
