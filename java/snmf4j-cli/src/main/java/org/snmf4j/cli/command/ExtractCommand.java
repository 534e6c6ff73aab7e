package org.snmf4j.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.snmf4j.cli.terminal.Json;
import org.snmf4j.cli.terminal.Progress;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.ModelOptions;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.text.TextTokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "extract",
    description = "Runs sentences through an ONNX model and writes its activations.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    sortOptions = false,
    footer = {
      "",
      "The sites are found by the graph's structure. Padding and the special tokens that the",
      "tokenizer adds are dropped; with --token-ids every unmasked token is kept. The output",
      "directory appears when all is done; it must be missing, empty or the output of 'extract'.",
      "",
      "Examples:",
      "  snmf4j extract --model model.onnx --tokenizer tokenizer.json --data sentences.csv \\",
      "                 --layers 0,3 --output activations",
      "  snmf4j extract --model model.onnx --token-ids ids.npy --attention-mask mask.npy \\",
      "                 --layers 3 --site mlp,residual --output activations --export npy"
    })
final class ExtractCommand implements Runnable {
  private final Session session;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "M.onnx",
      description = "The model; its external data, if any, lies beside it.")
  private Path model;

  @Mixin private SentenceOptions sentences;

  @Option(
      names = "--layers",
      split = ",",
      paramLabel = "L",
      description = "Layers, counted from 0 (default: all).")
  private List<Integer> layers = List.of();

  @Option(
      names = "--site",
      split = ",",
      paramLabel = "SITE",
      defaultValue = "mlp",
      converter = Converters.SiteName.class,
      description =
          "mlp (input of the MLP's down-projection), mlp_out (its output), residual (the block's"
              + " output); several by commas (default: ${DEFAULT-VALUE}).")
  private List<Site> sites;

  @Mixin private SiteTensorOptions siteTensors;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Directory for the activations; an earlier extraction there is replaced.")
  private Path output;

  @Option(
      names = "--export",
      paramLabel = "FORMAT",
      description =
          "npy: also write DIR/SITE.LAYER.npy, [neurons, tokens], a column per kept token in the"
              + " order of the input.")
  private Export export;

  private enum Export {
    NPY
  }

  @Option(
      names = "--truncate",
      description = "Shorten sentences beyond the model's context instead of refusing them.")
  private boolean truncate;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      description = "Longest sequence to run, for models whose graph has no table of positions.")
  private Integer contextLength;

  @Option(
      names = "--threads",
      paramLabel = "T",
      description = "Threads of ONNX Runtime; 0 leaves it the choice (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Mixin private ProviderOption provider;
  @Mixin private JsonOption json;
  @Mixin private QuietOption quiet;
  @Spec private CommandSpec spec;

  ExtractCommand(Session session) {
    this.session = session;
  }

  @Override
  public void run() {
    ModelOptions options = options();
    session.interrupt().guard(() -> extract(options));
  }

  private ModelOptions options() {
    try {
      for (int layer : layers) {
        if (layer < 0) {
          throw new InvalidArgumentException("layer", layer, "at least 0");
        }
      }
      ModelOptions.Builder builder = ModelOptions.builder().threads(threads);
      if (contextLength != null) {
        builder.contextLength(contextLength);
      }
      provider.addTo(builder);
      siteTensors.addTo(builder);
      return builder.build();
    } catch (InvalidArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void extract(ModelOptions options) {
    long begin = System.nanoTime();
    try (OnnxModel open = OnnxModel.open(model, options);
        Progress progress = new Progress(session.console(), "extracting, sentence", quiet.quiet)) {
      Extractor.Builder builder =
          Extractor.builder(open)
              .sites(sites)
              .truncate(truncate)
              .cancellation(session.interrupt()::requested)
              .listener((done, total) -> progress.update(done, total, ""));
      if (!layers.isEmpty()) {
        builder.layers(layers);
      }
      TextTokenizer tokenizer = sentences.addTo(builder);
      try {
        Extractor extractor = builder.build();
        createParent();
        ActivationStore store = extractor.extractTo(output);
        List<Path> exported = export == Export.NPY ? store.exportNpy(store.directory()) : List.of();
        progress.clear();
        print(store, exported, (System.nanoTime() - begin) * 1e-9);
      } finally {
        if (tokenizer != null) {
          tokenizer.close();
        }
      }
    }
  }

  private void createParent() {
    Path parent = output.toAbsolutePath().getParent();
    try {
      if (parent != null) {
        Files.createDirectories(parent);
      }
    } catch (IOException e) {
      throw new FileAccessException("write", output, e);
    }
  }

  private void print(ActivationStore store, List<Path> exported, double seconds) {
    List<Map<String, Object>> activations = activations(store);
    if (json.json) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("model", store.model().file());
      facts.put("sentences", store.tokens().sentences().size());
      facts.put("tokens", store.tokens().size());
      facts.put("activations", activations);
      facts.put("seconds", seconds);
      facts.put("output", output.toString());
      facts.put("exported", exported.stream().map(Path::toString).toList());
      Json.print(session.console(), facts);
      return;
    }
    var out = session.console().out();
    out.printf(
        Locale.ROOT,
        "%d sentences, %d tokens in %.2f s%n",
        store.tokens().sentences().size(),
        store.tokens().size(),
        seconds);
    for (Map<String, Object> entry : activations) {
      out.printf(
          Locale.ROOT,
          "%s of layer %s: %s neurons%n",
          entry.get("site"),
          entry.get("layer"),
          entry.get("neurons"));
    }
    out.println("wrote " + output);
    exported.forEach(file -> out.println("wrote " + file));
    out.flush();
  }

  private static List<Map<String, Object>> activations(ActivationStore store) {
    List<Map<String, Object>> all = new ArrayList<>();
    for (Site site : store.sites()) {
      for (int layer : store.layers(site)) {
        try (ActivationSet set = store.load(site, layer)) {
          Map<String, Object> entry = new LinkedHashMap<>();
          entry.put("site", site.id());
          entry.put("layer", layer);
          entry.put("neurons", set.matrix().rows());
          all.add(entry);
        }
      }
    }
    return all;
  }
}
