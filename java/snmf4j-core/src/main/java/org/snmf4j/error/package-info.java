/**
 * What can go wrong. Every exception is unchecked, extends {@link org.snmf4j.error.SnmfException}
 * and names the argument (or file), the value found and the limit it broke.
 */
package org.snmf4j.error;
