package org.snmf4j.tck.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.CancelledException;
import org.snmf4j.matrix.Matrix;

/** Nothing stays behind: native bytes by the counter, off-heap matrices, and the process itself. */
public abstract class LeakSuite {
  private final String name;
  private final int fits;

  /**
   * @param name the backend's
   * @param fits how many to run on one backend
   */
  protected LeakSuite(String name, int fits) {
    this.name = name;
    this.fits = fits;
  }

  private Backend open() {
    return Backends.open(name, new BackendConfig(2));
  }

  private static Matrix activations() {
    double[][] values = new double[96][400];
    SplittableRandom random = new SplittableRandom(1);
    for (double[] row : values) {
      for (int t = 0; t < row.length; t++) {
        row[t] = Math.max(-0.17, random.nextDouble() - 0.6);
      }
    }
    return Matrix.of(values);
  }

  @Test
  void manyFitsOnOneBackend() {
    SnmfOptions options = SnmfOptions.builder(8).featureDensity(0.1).maxIterations(3).build();
    try (Matrix a = activations();
        Backend backend = open()) {
      Snmf.fit(a, options, backend).close();
      long workspaces = backend.memory().current();
      long matrices = Matrix.liveBytes();
      for (int i = 0; i < fits; i++) {
        try (SnmfModel model = Snmf.fit(a, options, backend)) {
          assertTrue(model.report().loss() > 0);
        }
        assertEquals(workspaces, backend.memory().current(), "native bytes after fit " + i);
        assertEquals(matrices, Matrix.liveBytes(), "matrix bytes after fit " + i);
      }
    }
  }

  @Test
  void fitsThatFailLeaveNothing() {
    try (Matrix a = activations();
        Backend backend = open()) {
      SnmfOptions good = SnmfOptions.builder(8).featureDensity(0.1).maxIterations(3).build();
      Snmf.fit(a, good, backend).close();
      long workspaces = backend.memory().current();
      long matrices = Matrix.liveBytes();
      for (int i = 0; i < fits / 20; i++) {
        int[] asked = {0};
        SnmfOptions cancelled =
            SnmfOptions.builder(8).featureDensity(0.1).cancellation(() -> asked[0]++ >= 2).build();
        assertThrows(CancelledException.class, () -> Snmf.fit(a, cancelled, backend));
        assertEquals(workspaces, backend.memory().current());
        assertEquals(matrices, Matrix.liveBytes());
      }
    }
  }

  @Test
  void openingAndClosingBackendsDoesNotGrowTheProcess() throws Exception {
    SnmfOptions options =
        SnmfOptions.builder(8).featureDensity(0.1).maxIterations(2).backend(name).build();
    try (Matrix a = activations()) {
      for (int i = 0; i < fits / 20; i++) {
        Snmf.fit(a, options).close();
      }
      long before = residentBytes();
      for (int i = 0; i < fits / 5; i++) {
        Snmf.fit(a, options).close();
      }
      long grown = residentBytes() - before;
      // A fit holds about 0.4 MB natively: 200 leaks would be 80 MB. The JVM itself moves by less.
      assertTrue(
          grown < 40 << 20, "the process grew by " + grown + " bytes over " + fits / 5 + " fits");
    }
  }

  private static long residentBytes() throws Exception {
    System.gc();
    String[] fields = Files.readString(Path.of("/proc/self/statm")).split(" ");
    return Long.parseLong(fields[1]) * 4096;
  }
}
