package org.snmf4j.tck.nativecode;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.snmf4j.Snmf;
import org.snmf4j.SnmfModel;
import org.snmf4j.SnmfOptions;
import org.snmf4j.backend.Availability;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.SnmfException;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;

/** Started in JVMs of their own by tests: what is loaded once per JVM cannot be tested in one. */
public final class ProbeMain {
  /** Status of a JVM that was told to exit during fits. */
  public static final int EXIT_STATUS = 42;

  private ProbeMain() {}

  /**
   * Prints what the provider says, and what ran a small fit.
   *
   * @param args the backend's name, and {@code loaders} to do so in two class loaders; {@code
   *     path=PROPERTY} to set that property to what is no path; {@code exit=NEURONS} to end the JVM
   *     while two fits of twice as many tokens run; {@code large} to fit 160 MB of activations;
   *     {@code forced} to open that backend and no other
   */
  public static void main(String[] args) throws Exception {
    String backend = args[0];
    for (String argument : args) {
      if (argument.startsWith("exit=")) {
        exitDuringFits(backend, Integer.parseInt(argument.substring("exit=".length())));
        return;
      }
    }
    if (Arrays.asList(args).contains("forced")) {
      try (Backend forced = Backends.open(backend, BackendConfig.defaults())) {
        System.out.println("forced=" + forced.description());
      } catch (SnmfException e) {
        System.out.println(e.getClass().getSimpleName() + "=" + e.getMessage());
      }
      return;
    }
    if (Arrays.asList(args).contains("large")) {
      SnmfOptions options = SnmfOptions.builder(2).maxIterations(4).backend(backend).build();
      try (Matrix a = noise(500, 80_000);
          SnmfModel model = Snmf.fit(a, options)) {
        System.out.println("iterations=" + model.report().iterations());
      }
      return;
    }
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
            .invoke(null, (Object) new String[] {backend});
      }
      return;
    }
    for (String argument : args) {
      if (argument.startsWith("path=")) {
        System.setProperty(argument.substring("path=".length()), "no\0path");
      }
    }
    Availability availability = provider(backend).probe();
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

  private static void exitDuringFits(String backend, int neurons) throws InterruptedException {
    CountDownLatch running = new CountDownLatch(2);
    for (int seed = 0; seed < 2; seed++) {
      SnmfOptions options =
          SnmfOptions.builder(neurons / 10)
              .maxIterations(Integer.MAX_VALUE)
              .patience(Integer.MAX_VALUE)
              .seed(seed)
              .threads(2)
              .backend(backend)
              .progress(step -> countOnce(step.iteration(), running))
              .build();
      // Never closed: it is in use when the JVM ends.
      Matrix a = noise(neurons, 2 * neurons);
      new Thread(() -> Snmf.fit(a, options)).start();
    }
    running.await();
    System.exit(EXIT_STATUS);
  }

  private static void countOnce(int iteration, CountDownLatch running) {
    if (iteration == 2) {
      running.countDown();
    }
  }

  private static Matrix noise(int rows, int columns) {
    Matrix matrix = Matrix.allocate(ElementType.FLOAT32, rows, columns);
    SplittableRandom random = new SplittableRandom(1);
    float[] row = new float[columns];
    for (int i = 0; i < rows; i++) {
      for (int t = 0; t < columns; t++) {
        row[t] = (float) (random.nextDouble() - 0.6);
      }
      matrix.writeRow(i, 0, row, 0, columns);
    }
    return matrix;
  }

  private static BackendProvider provider(String name) {
    return Backends.providers().stream()
        .filter(provider -> provider.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static URL url(String path) {
    try {
      return Path.of(path).toUri().toURL();
    } catch (java.net.MalformedURLException e) {
      throw new IllegalStateException(e);
    }
  }
}
