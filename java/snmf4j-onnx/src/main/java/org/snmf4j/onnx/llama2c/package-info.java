/**
 * Imports language models of <a href="https://github.com/karpathy/llama2.c">llama2.c</a>:
 * checkpoints become ONNX models with a key/value cache, {@code tokenizer.bin} a Hugging Face
 * {@code tokenizer.json}.
 */
package org.snmf4j.onnx.llama2c;
