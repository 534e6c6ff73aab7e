package org.snmf4j.cli.readme;

import java.nio.file.Path;
import java.util.Arrays;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.Matrix;

class Decompose {
  public static void main(String[] args) {
    SnmfOptions options = SnmfOptions.builder(3).featureDensity(0.4).seed(1).build();
    try (Matrix activations = NpyFile.read(Path.of(args[0])); // [neurons, tokens]
        SnmfModel model = Snmf.fit(activations, options)) {
      System.out.println("relative loss " + model.report().relativeLoss());
      System.out.println("neurons of feature 0 " + Arrays.toString(model.support(0)));
      System.out.println("its coefficient at token 0 " + model.coefficients().get(0, 0));
      model.save(Path.of(args[1])); // safetensors: features [d, k], coefficients [k, n]
    }
  }
}
