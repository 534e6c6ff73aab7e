package org.snmf4j.onnx.layouts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.snmf4j.onnx.Activations;
import org.snmf4j.onnx.Extractor;
import org.snmf4j.onnx.OnnxModel;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.graph.MlpLayer;

/** What the sites of one block must hold. */
record Sites(Value mlp, Value mlpOut, Value residual) {

  /** Every site of every block, extracted without options, is within an absolute distance. */
  static void assertMatch(Path file, List<Sites> expected, double tolerance) {
    compare(file, expected.size(), expected, tolerance, false);
  }

  /** The same for the first of so many layers. */
  static void assertMatch(Path file, int layers, List<Sites> expected, double tolerance) {
    compare(file, layers, expected, tolerance, false);
  }

  /** The same with a relative distance (Frobenius) per site and block. */
  static void assertClose(Path file, List<Sites> expected, double bound) {
    compare(file, expected.size(), expected, bound, true);
  }

  private static void compare(
      Path file, int layers, List<Sites> expected, double bound, boolean relative) {
    try (OnnxModel model = OnnxModel.open(file)) {
      assertEquals(layers, model.layers(), () -> "layers: " + model.graph().layers());
      for (int layer = 0; layer < expected.size(); layer++) {
        MlpLayer found = model.graph().layers().get(layer);
        assertEquals(expected.get(layer).mlp().columns(), found.downProjection().neurons());
        assertEquals(expected.get(layer).mlpOut().columns(), found.downProjection().width());
      }
      try (Activations activations =
          Extractor.builder(model)
              .tokenIds(TracedGraph.IDS, null)
              .sites(List.of(Site.values()))
              .layers(IntStream.range(0, expected.size()).boxed().toList())
              .build()
              .extract()) {
        for (Site site : Site.values()) {
          for (int layer = 0; layer < expected.size(); layer++) {
            double[][] found = activations.get(site, layer).matrix().transpose().toArray();
            double error = distance(expected.get(layer).at(site).rows(), found, relative);
            assertTrue(error <= bound, site + " of layer " + layer + ": error " + error);
          }
        }
      }
    }
  }

  private Value at(Site site) {
    return switch (site) {
      case MLP -> mlp;
      case MLP_OUT -> mlpOut;
      case RESIDUAL -> residual;
    };
  }

  private static double distance(double[][] expected, double[][] found, boolean relative) {
    assertEquals(expected.length, found.length);
    double worst = 0;
    double squares = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i].length, found[i].length);
      for (int j = 0; j < expected[i].length; j++) {
        double difference = expected[i][j] - found[i][j];
        worst = Math.max(worst, Math.abs(difference));
        squares += difference * difference;
        norm += expected[i][j] * expected[i][j];
      }
    }
    return relative ? Math.sqrt(squares / norm) : worst;
  }
}
