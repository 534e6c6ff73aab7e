/** The few small dense decompositions that the algorithms need, in float64 on k×k matrices. */
package org.snmf4j.linalg;
