/** What a model's neurons did on which token: activations with the table of their tokens. */
package org.snmf4j.onnx.activations;
