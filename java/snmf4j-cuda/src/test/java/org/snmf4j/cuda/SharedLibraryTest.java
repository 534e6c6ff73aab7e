package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;
import org.snmf4j.tck.nativecode.SharedLibrarySuite;

class SharedLibraryTest extends SharedLibrarySuite {
  SharedLibraryTest() throws URISyntaxException {
    super(library(), "librt.so.1");
  }

  private static Path library() throws URISyntaxException {
    String resource =
        "native/" + Loader.getPlatform() + "/" + System.mapLibraryName(CudaLibrary.NAME);
    URL library = CudaLibrary.class.getResource(resource);
    assumeTrue(library != null, "NOT RUN: built without nvcc, there is no library to look at");
    return Path.of(library.toURI());
  }
}
