/** Text on its way into a model: data sets of labelled sentences, and tokenizers. */
package org.snmf4j.onnx.text;
