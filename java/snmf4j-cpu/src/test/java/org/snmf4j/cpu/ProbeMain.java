package org.snmf4j.cpu;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Availability;
import org.snmf4j.matrix.Matrix;

/** Started in JVMs of their own by tests: what is loaded once per JVM cannot be tested in one. */
public final class ProbeMain {
  private ProbeMain() {}

  /**
   * Prints what the provider says, and what ran a small fit.
   *
   * @param args {@code loaders} to do so in two class loaders
   */
  public static void main(String[] args) throws Exception {
    if (Arrays.asList(args).contains("loaders")) {
      URL[] classPath =
          Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator))
              .map(ProbeMain::url)
              .toArray(URL[]::new);
      for (int i = 0; i < 2; i++) {
        // Not closed: a loader that goes away would free the library for the next one.
        @SuppressWarnings("resource")
        URLClassLoader loader = new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        loader
            .loadClass(ProbeMain.class.getName())
            .getMethod("main", String[].class)
            .invoke(null, (Object) new String[0]);
      }
      return;
    }
    Availability availability = new CpuBackendProvider().probe();
    System.out.println("available=" + availability.available());
    System.out.println("detail=" + availability.detail());
    double[][] values = new double[8][40];
    for (int i = 0; i < 8; i++) {
      for (int t = 0; t < 40; t++) {
        values[i][t] = Math.sin(i * 3 + t);
      }
    }
    try (Matrix a = Matrix.of(values);
        SnmfModel model = Snmf.fit(a, SnmfOptions.builder(2).featureDensity(0.5).build())) {
      System.out.println("ran=" + model.report().backend());
      System.out.println("on=" + model.report().backendDescription());
    }
  }

  private static URL url(String path) {
    try {
      return Path.of(path).toUri().toURL();
    } catch (java.net.MalformedURLException e) {
      throw new IllegalStateException(e);
    }
  }
}
