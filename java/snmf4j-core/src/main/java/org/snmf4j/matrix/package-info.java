/** Dense matrices in off-heap memory, with views and without limits on their size. */
package org.snmf4j.matrix;
