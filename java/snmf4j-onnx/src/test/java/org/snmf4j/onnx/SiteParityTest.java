package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.io.SafeTensors;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.Site;

/** Every site of every layer, found without options, equals what hooks in the original saw. */
class SiteParityTest {
  static final int LAYERS = 3;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bert-torchscript",
        "distilbert-torchscript",
        "gemma2-torchscript",
        "gpt2-dynamo",
        "gpt2-torchscript",
        "gpt2-ortfused",
        "gptneox-dynamo",
        "llama-dynamo",
        "llama-torchscript"
      })
  void float32(String name) {
    try (OnnxModel model = OnnxModel.open(TestModels.model(name));
        SafeTensors truth = TestModels.truth(name)) {
      assertEquals(LAYERS, model.layers());
      assertEquals(97, model.vocabularySize().orElseThrow());
      assertMatches(model, truth, 2e-4);
    }
  }

  /** All sites of all layers are within an absolute distance of the truth. */
  static void assertMatches(OnnxModel model, SafeTensors truth, double tolerance) {
    long[][] mask = TestModels.longs(truth, "attention_mask");
    try (Activations activations = extract(model, truth, mask)) {
      for (Site site : Site.values()) {
        for (int layer = 0; layer < LAYERS; layer++) {
          double[][] expected = TestModels.unmasked(truth, site.id() + "." + layer, mask);
          double[][] found = tokens(activations.get(site, layer));
          double worst = 0;
          assertEquals(expected.length, found.length);
          for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i].length, found[i].length);
            for (int j = 0; j < expected[i].length; j++) {
              worst = Math.max(worst, Math.abs(expected[i][j] - found[i][j]));
            }
          }
          assertTrue(worst <= tolerance, site + " of layer " + layer + ": error " + worst);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert-fp16", "bert-int8"})
  void reducedPrecision(String name) {
    double bound = name.endsWith("fp16") ? 0.01 : 0.20;
    try (OnnxModel model = OnnxModel.open(TestModels.model(name));
        SafeTensors truth = TestModels.truth(name)) {
      assertEquals(LAYERS, model.layers());
      assertEquals(97, model.vocabularySize().orElseThrow());
      assertEquals(64, model.contextLength().orElseThrow());
      assertClose(model, truth, bound);
    }
  }

  /** All sites of all layers are within a relative distance (Frobenius) of the truth. */
  static void assertClose(OnnxModel model, SafeTensors truth, double bound) {
    long[][] mask = TestModels.longs(truth, "attention_mask");
    try (Activations activations = extract(model, truth, mask)) {
      for (Site site : Site.values()) {
        for (int layer = 0; layer < LAYERS; layer++) {
          double[][] expected = TestModels.unmasked(truth, site.id() + "." + layer, mask);
          double[][] found = tokens(activations.get(site, layer));
          double difference = 0;
          double norm = 0;
          for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
              difference += Math.pow(expected[i][j] - found[i][j], 2);
              norm += Math.pow(expected[i][j], 2);
            }
          }
          double relative = Math.sqrt(difference / norm);
          assertTrue(relative <= bound, site + " of layer " + layer + ": error " + relative);
        }
      }
    }
  }

  private static Activations extract(OnnxModel model, SafeTensors truth, long[][] mask) {
    return Extractor.builder(model)
        .tokenIds(TestModels.longs(truth, "input_ids"), mask)
        .sites(List.of(Site.values()))
        .build()
        .extract();
  }

  private static double[][] tokens(ActivationSet activations) {
    return activations.matrix().transpose().toArray();
  }
}
