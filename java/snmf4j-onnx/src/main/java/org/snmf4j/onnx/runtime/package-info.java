/** Native sessions of ONNX Runtime, opened for edited graphs, closed and counted. */
package org.snmf4j.onnx.runtime;
