/**
 * The factorization algorithms, written once against {@link org.snmf4j.backend.Backend}, and the
 * starts they can begin from. Applications use {@code org.snmf4j.Snmf}, which calls them.
 */
package org.snmf4j.solver;
