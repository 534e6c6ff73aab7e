package org.snmf4j.cuda;

import java.util.Locale;
import org.snmf4j.cuda.CudaLibrary.DeviceStruct;
import org.snmf4j.error.SnmfException;
import org.snmf4j.nativecode.NativeCalls;
import org.snmf4j.nativecode.NativeLibrary;

/**
 * All that the backend needs from this machine.
 *
 * @param device what it is, for people
 * @param cublas path of the library
 * @param detail where everything comes from
 */
record CudaSetup(CudaOptions options, String device, String cublas, String detail) {
  /** The oldest compute capability that the kernels are compiled for. */
  private static final int OLDEST_MAJOR = 8;

  /** A setup, or what is missing, and what to do about it. */
  record Outcome(CudaSetup setup, String failure) {
    boolean found() {
      return failure == null;
    }
  }

  /**
   * Looks for everything, the cheapest first; asks the driver only if there is one. Never throws.
   */
  static Outcome find() {
    try {
      CudaOptions options = CudaOptions.of(System.getProperties());
      NativeLibrary.Outcome library = CudaLibrary.outcome();
      if (!library.loaded()) {
        return no(library.failure());
      }
      return CudaLibrary.snmf4j_cuda_is_twin() != 0
          ? twin(options, library.location())
          : device(options, library.location());
    } catch (SnmfException e) {
      return no(e.getMessage());
    } catch (RuntimeException | LinkageError e) {
      return no("probing failed: " + e);
    }
  }

  /** The kernels as the CPU runs them, for tests; it computes what cuBLAS does by itself. */
  private static Outcome twin(CudaOptions options, String location) {
    if (System.getProperty(CudaLibrary.PATH) == null) {
      return no(location + " is the host twin, which only -D" + CudaLibrary.PATH + " may choose");
    }
    if (System.getProperty(Cublas.PATH) != null && !Cublas.find().found()) {
      return no(Cublas.find().failure());
    }
    describe(options.device()).close();
    String device = "host twin, no GPU";
    return yes(options, device, "none", device + ": kernels from " + location);
  }

  private static Outcome device(CudaOptions options, String location) {
    int driver = CudaLibrary.snmf4j_cuda_driver_version();
    String failure = ofDriver(driver, CudaLibrary.snmf4j_cuda_runtime_version());
    if (failure != null) {
      return no(failure);
    }
    int[] count = new int[1];
    check(CudaLibrary.snmf4j_cuda_devices(count), "look for devices");
    failure = ofDevices(count[0], options.device(), driver);
    if (failure != null) {
      return no(failure);
    }
    try (DeviceStruct facts = describe(options.device())) {
      String device =
          String.format(
              Locale.ROOT,
              "%s (compute capability %d.%d, %.1f GiB)",
              NativeCalls.text(facts.name()),
              facts.major(),
              facts.minor(),
              facts.total_bytes() / 1073741824.0);
      failure =
          ofCapability(
              facts.major(), device, NativeCalls.text(CudaLibrary.snmf4j_cuda_architectures()));
      if (failure != null) {
        return no(failure);
      }
      Cublas.Outcome cublas = Cublas.find();
      if (!cublas.found()) {
        return no(cublas.failure());
      }
      return yes(
          options,
          device,
          cublas.file().toString(),
          device
              + ", driver for CUDA "
              + version(driver)
              + ", kernels from "
              + location
              + ", cuBLAS from "
              + cublas.file());
    }
  }

  /**
   * What a driver lacks, or null.
   *
   * @param driver the latest version of CUDA that it supports, 0 if there is none
   * @param needed the version of CUDA that the kernels are built with
   */
  static String ofDriver(int driver, int needed) {
    if (driver == 0) {
      return "there is no NVIDIA driver (libcuda.so.1); one for CUDA "
          + version(needed)
          + " or newer is needed";
    }
    // Within a major version CUDA itself bridges the difference.
    if (driver / 1000 < needed / 1000) {
      return "the NVIDIA driver is for CUDA "
          + version(driver)
          + " at most, but "
          + version(needed)
          + " is needed: install a newer driver";
    }
    return null;
  }

  /** What is wrong with the choice of a device, or null. */
  static String ofDevices(int count, int chosen, int driver) {
    if (count == 0) {
      return "the NVIDIA driver, for CUDA " + version(driver) + ", finds no device";
    }
    if (chosen >= count) {
      return "-D"
          + CudaOptions.DEVICE
          + " is "
          + chosen
          + " but must be "
          + (count == 1 ? "0, the only device" : "between 0 and " + (count - 1));
    }
    return null;
  }

  /** What a device lacks, or null. */
  static String ofCapability(int major, String device, String compiled) {
    return major >= OLDEST_MAJOR
        ? null
        : device + " is too old: the kernels are compiled for " + compiled + " and newer";
  }

  private static DeviceStruct describe(int device) {
    DeviceStruct facts = new DeviceStruct();
    check(CudaLibrary.snmf4j_cuda_describe(device, facts), "describe device " + device);
    return facts;
  }

  private static void check(int status, String action) {
    NativeCalls.check(CudaLibrary.OPERATIONS, status, action);
  }

  /** CUDA counts 13020 for 13.2. */
  private static String version(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static Outcome yes(CudaOptions options, String device, String cublas, String detail) {
    return new Outcome(new CudaSetup(options, device, cublas, detail), null);
  }

  private static Outcome no(String failure) {
    return new Outcome(null, failure);
  }
}
