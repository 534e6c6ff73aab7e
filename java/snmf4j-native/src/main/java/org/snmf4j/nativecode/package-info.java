/**
 * What the backends with native code share: finding and loading a library, statuses to exceptions,
 * the way of matrices into native panels and back, and a backend over the C interface of {@code
 * native/include/snmf4j/operations.h}. Of use to backends only.
 */
package org.snmf4j.nativecode;
