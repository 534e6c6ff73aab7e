package org.snmf4j.cli.command;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.llama2c.Llama2cCheckpoint;
import org.snmf4j.onnx.llama2c.Llama2cShape;
import org.snmf4j.onnx.llama2c.Llama2cTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "import-llama2c",
    description = "Turns a llama2.c checkpoint into an ONNX model with a key/value cache.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "Reads float32 checkpoints of version 0 and 1. Weights beyond 1.5 GB go to a second file,",
      "MODEL.onnx.data.",
      "",
      "Example:",
      "  snmf4j import-llama2c --checkpoint stories15M.bin --output stories15m.onnx \\",
      "         --tokenizer tokenizer.bin --tokenizer-output stories15m.tokenizer.json"
    })
final class ImportLlama2cCommand implements Runnable {
  private final Session session;

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "MODEL.bin",
      description = "The llama2.c checkpoint.")
  private Path checkpoint;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "MODEL.onnx",
      description = "The model's file; replaced if it exists.")
  private Path output;

  @Option(
      names = "--tokenizer",
      paramLabel = "TOKENIZER.bin",
      description = "The llama2.c tokenizer.")
  private Path tokenizer;

  @Option(
      names = "--tokenizer-output",
      paramLabel = "TOKENIZER.json",
      description = "The Hugging Face tokenizer's file; replaced if it exists.")
  private Path tokenizerOutput;

  @Mixin private JsonOption json;
  @Spec private CommandSpec spec;

  ImportLlama2cCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    if ((tokenizer == null) != (tokenizerOutput == null)) {
      throw new ParameterException(
          spec.commandLine(), "--tokenizer and --tokenizer-output belong together");
    }
    Outputs.requireWritable(output);
    long begin = System.nanoTime();
    Llama2cCheckpoint model = Llama2cCheckpoint.open(checkpoint);
    if (tokenizer != null) {
      Outputs.requireWritable(tokenizerOutput);
      Llama2cTokenizer read = Llama2cTokenizer.read(tokenizer);
      if (read.size() != model.shape().vocabulary()) {
        throw new InvalidArgumentException(
            "tokenizer " + tokenizer,
            "of " + read.size() + " tokens",
            "of " + model.shape().vocabulary() + ", the checkpoint's vocabulary");
      }
      session.interrupt().guard(() -> read.writeJson(tokenizerOutput));
    }
    // An interrupt then waits for the file rather than leaving half of it beside the target.
    session.interrupt().guard(() -> model.writeOnnx(output));
    print(model.shape(), (System.nanoTime() - begin) * 1e-9);
  }

  private void print(Llama2cShape shape, double seconds) {
    if (json.json) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("layers", shape.layers());
      facts.put("width", shape.width());
      facts.put("neurons", shape.neurons());
      facts.put("heads", shape.heads());
      facts.put("key_value_heads", shape.keyValueHeads());
      facts.put("vocabulary", shape.vocabulary());
      facts.put("context", shape.context());
      facts.put("tied", shape.tied());
      facts.put("seconds", seconds);
      facts.put("output", output.toString());
      facts.put("tokenizer_output", tokenizerOutput == null ? null : tokenizerOutput.toString());
      Json.print(session.console(), facts);
      return;
    }
    session
        .console()
        .out()
        .printf(
            Locale.ROOT,
            "%d layers, width %d, %d neurons, %d tokens, context %d%nwrote %s%n",
            shape.layers(),
            shape.width(),
            shape.neurons(),
            shape.vocabulary(),
            shape.context(),
            output);
    if (tokenizerOutput != null) {
      session.console().out().printf("wrote %s%n", tokenizerOutput);
    }
  }
}
