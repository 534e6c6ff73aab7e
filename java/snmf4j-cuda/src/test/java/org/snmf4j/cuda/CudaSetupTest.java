package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** What is missing, and with which versions, on machines other than this one. */
class CudaSetupTest {
  @Test
  void noDriver() {
    assertEquals(
        "there is no NVIDIA driver (libcuda.so.1); one for CUDA 13.0 or newer is needed",
        CudaSetup.ofDriver(0, 13000));
  }

  @Test
  void aDriverOfAnOlderMajorVersionIsTooOld() {
    assertEquals(
        "the NVIDIA driver is for CUDA 12.8 at most, but 13.0 is needed: install a newer driver",
        CudaSetup.ofDriver(12080, 13000));
    assertNull(CudaSetup.ofDriver(13000, 13020));
    assertNull(CudaSetup.ofDriver(14000, 13000));
  }

  @Test
  void noDeviceOrNotThatOne() {
    assertEquals(
        "the NVIDIA driver, for CUDA 13.2, finds no device", CudaSetup.ofDevices(0, 0, 13020));
    assertEquals(
        "-Dsnmf4j.cuda.device is 1 but must be 0, the only device",
        CudaSetup.ofDevices(1, 1, 13020));
    assertEquals(
        "-Dsnmf4j.cuda.device is 8 but must be between 0 and 3", CudaSetup.ofDevices(4, 8, 13020));
    assertNull(CudaSetup.ofDevices(1, 0, 13020));
  }

  @Test
  void anOldDevice() {
    assertEquals(
        "Tesla T4 (compute capability 7.5, 14.6 GiB) is too old: the kernels are compiled for 8.0"
            + " 9.0 and newer",
        CudaSetup.ofCapability(7, "Tesla T4 (compute capability 7.5, 14.6 GiB)", "8.0 9.0"));
    assertNull(CudaSetup.ofCapability(8, "any", "8.0"));
  }
}
