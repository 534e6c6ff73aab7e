/**
 * Files of arrays: NumPy's {@code .npy} and safetensors, read strictly and written atomically.
 *
 * <p>A file that breaks its format throws {@link org.snmf4j.error.FileFormatException}; one that
 * the operating system refuses throws {@link org.snmf4j.error.FileAccessException}.
 */
package org.snmf4j.io;
