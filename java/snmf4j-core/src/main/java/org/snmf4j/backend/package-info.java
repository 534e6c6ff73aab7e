/**
 * What a backend supplies: coarse operations on data that lives where the backend computes.
 *
 * <p>The algorithms live once, in {@code org.snmf4j.solver}, and call these operations. A backend
 * is found through {@link java.util.ServiceLoader} by its {@link
 * org.snmf4j.backend.BackendProvider}; {@link org.snmf4j.backend.Backends} chooses one.
 *
 * <p>Symbols, as everywhere in this library: A {@code [d, n]} activations, Z {@code [d, k]}
 * features, Y {@code [k, n]} coefficients, G = YYᵀ, C = AYᵀ, Q = ZᵀZ, P = ZᵀA.
 */
package org.snmf4j.backend;
