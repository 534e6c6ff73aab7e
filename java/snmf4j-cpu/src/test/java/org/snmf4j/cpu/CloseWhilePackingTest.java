package org.snmf4j.cpu;

import org.snmf4j.tck.nativecode.CloseWhilePackingSuite;

class CloseWhilePackingTest extends CloseWhilePackingSuite {
  CloseWhilePackingTest() {
    super(CpuBackendProvider.NAME);
  }
}
