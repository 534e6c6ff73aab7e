/**
 * Suites for backends that run native code, beside the conformance suite: leaks, the end of the
 * JVM, memory that goes away, and what a built library needs and shows. Linux only.
 */
package org.snmf4j.tck.nativecode;
