package org.snmf4j.cpu;

import org.snmf4j.tck.nativecode.LeakSuite;

class LeakTest extends LeakSuite {
  LeakTest() {
    super(CpuBackendProvider.NAME, 1000);
  }
}
