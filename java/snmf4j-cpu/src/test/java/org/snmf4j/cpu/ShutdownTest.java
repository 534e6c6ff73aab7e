package org.snmf4j.cpu;

import org.snmf4j.tck.nativecode.ShutdownSuite;

class ShutdownTest extends ShutdownSuite {
  ShutdownTest() {
    super(CpuBackendProvider.NAME, 1000);
  }
}
