package org.snmf4j.cuda;

import org.snmf4j.backend.Availability;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.BackendConfig;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.error.BackendUnavailableException;

/**
 * Provides the CUDA backend, {@code "cuda"}: for NVIDIA GPUs of compute capability 8.0 or newer,
 * with a driver for CUDA 13 and with cuBLAS, which comes from the host.
 *
 * <p>System properties: {@code snmf4j.cuda.device} is the device's number (default 0); {@code
 * snmf4j.cuda.memory} the device memory to use at most, in bytes or as {@code 500M} or {@code 8G}
 * (default: what is free), of which cuBLAS takes 32 MB; {@code snmf4j.cuda.dense} how dense
 * products are computed, {@code fp32} (default), {@code tf32} or {@code split}, which takes
 * bfloat16 activations as they are and coefficients as the sum of two bfloat16; {@code
 * snmf4j.cuda.graphs=false} starts every kernel by itself. {@code snmf4j.cublas.path} names the
 * cuBLAS library or a folder that has it; {@code snmf4j.cuda.path} another library of kernels than
 * the jar's; {@code snmf4j.native.disable} and {@code snmf4j.native.cache} are those of the CPU
 * backend.
 */
public final class CudaBackendProvider implements BackendProvider {
  /** The backend's name. */
  public static final String NAME = "cuda";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 200;
  }

  @Override
  public Availability probe() {
    CudaSetup.Outcome outcome = CudaSetup.find();
    return outcome.found()
        ? Availability.yes(outcome.setup().detail())
        : Availability.no(outcome.failure());
  }

  @Override
  public Backend open(BackendConfig config) {
    CudaSetup.Outcome outcome = CudaSetup.find();
    if (!outcome.found()) {
      throw new BackendUnavailableException(
          "backend " + NAME + " cannot run here: " + outcome.failure());
    }
    return new CudaBackend(outcome.setup(), config.threads());
  }
}
