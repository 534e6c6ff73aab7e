package org.snmf4j.cuda;

import org.snmf4j.tck.nativecode.ShutdownSuite;

class ShutdownTest extends ShutdownSuite {
  ShutdownTest() {
    super(
        CudaBackendProvider.NAME,
        100,
        "-D" + CudaLibrary.PATH + "=" + System.getProperty(CudaLibrary.PATH));
  }
}
