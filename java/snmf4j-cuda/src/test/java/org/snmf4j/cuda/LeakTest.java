package org.snmf4j.cuda;

import org.snmf4j.tck.nativecode.LeakSuite;

class LeakTest extends LeakSuite {
  LeakTest() {
    super(CudaBackendProvider.NAME, 40);
  }
}
