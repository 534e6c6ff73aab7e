/**
 * The conformance suite of backends. The tests of a backend, this library's own or a third party's,
 * extend {@link org.snmf4j.tck.BackendConformance}.
 *
 * <p>Operations are held against textbook formulas in float64 ({@code Plain}, {@code
 * LawsonHanson}), whole fits against the iterates of the method's authors and against the pure-Java
 * backend; features are sought that were planted ({@link org.snmf4j.tck.planted}).
 */
package org.snmf4j.tck;
