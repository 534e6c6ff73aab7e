/** Measurements on activations of a real model. */
package org.snmf4j.benchmarks.real;
