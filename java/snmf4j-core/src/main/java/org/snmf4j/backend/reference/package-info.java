/**
 * The pure-Java backend: float64 throughout, written for clarity. It is the oracle that the others
 * are tested against, and the fallback where none of them runs.
 */
package org.snmf4j.backend.reference;
