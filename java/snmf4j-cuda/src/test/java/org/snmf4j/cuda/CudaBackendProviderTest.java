package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.tck.nativecode.ChildJvm;

/** What the provider finds, and what it says where that is not enough; each case in its own JVM. */
class CudaBackendProviderTest {
  @TempDir Path folder;

  private static String probe(String... options) throws Exception {
    return ChildJvm.run(CudaBackendProvider.NAME, List.of(options));
  }

  private static String withTwin(String... options) throws Exception {
    return probe(Stream.concat(Stream.of(twin()), Arrays.stream(options)).toArray(String[]::new));
  }

  private static String twin() {
    return "-D" + CudaLibrary.PATH + "=" + System.getProperty(CudaLibrary.PATH);
  }

  private static boolean hasKernels() {
    return CudaLibrary.class.getResource(
            "native/linux-x86_64/" + System.mapLibraryName(CudaLibrary.NAME))
        != null;
  }

  private static boolean hasDriver() {
    return Files.exists(Path.of("/proc/driver/nvidia/version"));
  }

  @Test
  void theTwinRunsWhereAPathNamesItAndSaysWhatItIs() throws Exception {
    String output = withTwin();
    assertTrue(output.contains("available=true"), output);
    assertTrue(output.contains("detail=host twin, no GPU: kernels from "), output);
    assertTrue(output.contains("ran=cuda"), output);
    assertTrue(output.contains("on=host twin, no GPU, float32"), output);
  }

  @Test
  void theTwinIsNotTakenFromTheLibraryPath() throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(":"))
            .filter(part -> !part.endsWith("/native"))
            .collect(Collectors.joining(":"));
    String output =
        probe("-cp", classPath, "-Djava.library.path=" + System.getProperty(CudaLibrary.PATH));
    assertTrue(output.contains("available=false"), output);
    assertTrue(
        output.contains("is the host twin, which only -Dsnmf4j.cuda.path may choose"), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @Test
  void withoutADriverThatIsTheCause() throws Exception {
    assumeTrue(hasKernels(), "NOT RUN: built without nvcc");
    assumeFalse(hasDriver(), "NOT RUN: there is a driver");
    String output = probe();
    assertTrue(
        output.contains("detail=there is no NVIDIA driver (libcuda.so.1); one for CUDA 13."),
        output);
    assertTrue(output.contains("ran=java"), output);
    assertEquals(1, output.split("passed over", -1).length - 1, output);
  }

  @Test
  void withoutKernelsTheJarSaysSo() throws Exception {
    assumeFalse(hasKernels(), "NOT RUN: built with nvcc");
    String output = probe();
    assertTrue(
        output.contains("detail=this jar was built without nvcc and has no kernels"), output);
  }

  @Test
  void forcedItFailsWithTheCause() throws Exception {
    assumeFalse(hasKernels() && hasDriver(), "NOT RUN: there may be a GPU");
    String output = ChildJvm.run(CudaBackendProvider.NAME, List.of(), "forced");
    assertTrue(
        output.startsWith("BackendUnavailableException=backend cuda cannot run here: "), output);
    assertTrue(output.contains(hasKernels() ? "NVIDIA driver" : "without nvcc"), output);
  }

  @Test
  void withoutNativeCodeThereIsNone() throws Exception {
    String output = withTwin("-Dsnmf4j.native.disable=true");
    assertTrue(
        output.contains("detail=native code is disabled by -Dsnmf4j.native.disable=true"), output);
  }

  @Test
  void anExplicitPathIsTakenAlone() throws Exception {
    String output = probe("-Dsnmf4j.cuda.path=" + folder);
    assertTrue(output.contains("detail=-Dsnmf4j.cuda.path: "), output);
    assertTrue(output.contains(folder.toString()), output);
    Path file = Files.writeString(folder.resolve("fake.so"), "not a library");
    output = probe("-Dsnmf4j.cuda.path=" + file);
    assertTrue(output.contains("detail=-Dsnmf4j.cuda.path: "), output);
    assertTrue(output.contains("fake.so"), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @ParameterizedTest
  @CsvSource({
    "snmf4j.cuda.device=x, -Dsnmf4j.cuda.device is x but must be",
    "snmf4j.cuda.device=1, the host twin is device 0",
    "snmf4j.cuda.memory=much, -Dsnmf4j.cuda.memory is much but must be",
    "snmf4j.cuda.dense=fp8, -Dsnmf4j.cuda.dense is fp8 but must be",
    "snmf4j.cuda.graphs=1, -Dsnmf4j.cuda.graphs is 1 but must be",
    "snmf4j.cublas.path=/none, -Dsnmf4j.cublas.path=/none is neither a file nor a folder"
  })
  void aBadPropertyIsACause(String property, String cause) throws Exception {
    String output = withTwin("-D" + property);
    assertTrue(output.contains("available=false"), output);
    assertTrue(output.contains(cause), output);
    assertTrue(output.contains("ran=java"), output);
  }

  @Test
  void twoClassLoadersEachGetTheLibrary() throws Exception {
    String output = ChildJvm.run(CudaBackendProvider.NAME, List.of(twin()), "loaders");
    assertEquals(2, output.split("ran=cuda", -1).length - 1, output);
  }

  @Test
  void optionsAreDescribed() throws Exception {
    String output = withTwin("-Dsnmf4j.cuda.memory=64M", "-Dsnmf4j.cuda.dense=tf32");
    assertTrue(
        output.contains(
            "on=host twin, no GPU, float32 with tf32 dense products, at most 67108864 bytes"),
        output);
  }
}
