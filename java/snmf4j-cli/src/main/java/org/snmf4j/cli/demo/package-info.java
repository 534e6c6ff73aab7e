/** The demo's model and data, and what is worth showing of its result. */
package org.snmf4j.cli.demo;
