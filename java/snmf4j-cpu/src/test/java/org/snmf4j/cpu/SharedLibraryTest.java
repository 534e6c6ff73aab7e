package org.snmf4j.cpu;

import java.net.URISyntaxException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;
import org.snmf4j.tck.nativecode.SharedLibrarySuite;

class SharedLibraryTest extends SharedLibrarySuite {
  SharedLibraryTest() throws URISyntaxException {
    super(library());
  }

  private static Path library() throws URISyntaxException {
    String resource =
        "native/" + Loader.getPlatform() + "/" + System.mapLibraryName(CpuLibrary.NAME);
    return Path.of(CpuLibrary.class.getResource(resource).toURI());
  }
}
