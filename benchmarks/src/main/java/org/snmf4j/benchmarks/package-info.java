/** JMH suites. Figures and how they were taken are in {@code benchmarks/RESULTS.md}. */
package org.snmf4j.benchmarks;
