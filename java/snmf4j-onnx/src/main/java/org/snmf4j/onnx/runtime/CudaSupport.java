package org.snmf4j.onnx.runtime;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.providers.OrtCUDAProviderOptions;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.snmf4j.backend.Availability;

/**
 * ONNX Runtime's CUDA provider: in the artifact {@code onnxruntime_gpu}, which takes the place of
 * {@code onnxruntime}. Safe for use by several threads.
 */
public final class CudaSupport {
  private static final Logger LOG = System.getLogger(CudaSupport.class.getName());

  /** Of the operators and the format of the model that tries a device out. */
  private static final int OPERATORS = 13;

  private static final int FORMAT = 8;

  private static final class Holder {
    static final Availability AVAILABILITY = probe();
  }

  private CudaSupport() {}

  /**
   * Whether ONNX Runtime computes on a GPU here. The first call tries it out, later ones remember;
   * if ONNX Runtime could but no device works, one log line says why.
   *
   * @throws org.snmf4j.error.BackendUnavailableException if ONNX Runtime itself cannot be loaded
   */
  public static Availability availability() {
    // Not inside the holder, whose failure the JVM would wrap.
    GraphSession.loaded();
    return Holder.AVAILABILITY;
  }

  private static Availability probe() {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    String version = environment.getVersion();
    if (!OrtEnvironment.getAvailableProviders().contains(OrtProvider.CUDA)) {
      return Availability.no(
          "the class path has com.microsoft.onnxruntime:onnxruntime "
              + version
              + ", which runs on the CPU only; exclude it and add"
              + " com.microsoft.onnxruntime:onnxruntime_gpu:"
              + version
              + " in its place");
    }
    try (OrtSession.SessionOptions settings = new OrtSession.SessionOptions();
        OrtCUDAProviderOptions cuda = addTo(settings)) {
      environment.createSession(identity().toByteArray(), settings).close();
      return Availability.yes("onnxruntime_gpu " + version + ", " + cuda.getOptionsString());
    } catch (OrtException | LinkageError | RuntimeException e) {
      String cause =
          "onnxruntime_gpu "
              + version
              + " finds no NVIDIA driver, CUDA runtime, cuDNN or device that it can use: "
              + reason(e);
      LOG.log(Level.INFO, "models run on the CPU: {0}", cause);
      return Availability.no(cause);
    }
  }

  /** ONNX Runtime's message without the place in its source that it comes from. */
  private static String reason(Throwable failure) {
    return String.valueOf(failure.getMessage())
        .replaceFirst("(?s)^.*\\[ONNXRuntimeError\\] : \\d+ : \\w+ : ", "")
        .strip();
  }

  /**
   * Lets a session run on the GPU.
   *
   * @return the provider's options, to be closed once the session is there
   */
  static OrtCUDAProviderOptions addTo(OrtSession.SessionOptions settings) throws OrtException {
    settings.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    OrtCUDAProviderOptions cuda = new OrtCUDAProviderOptions();
    try {
      // Activations are to be float32 ones; TF32, the default, rounds factors to 11 bits.
      cuda.add("use_tf32", "0");
      settings.addCUDA(cuda);
      return cuda;
    } catch (OrtException | RuntimeException e) {
      cuda.close();
      throw e;
    }
  }

  /** A session of even the least model looks for a device. */
  private static ModelProto identity() {
    return ModelProto.newBuilder()
        .setIrVersion(FORMAT)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPERATORS))
        .setGraph(
            GraphProto.newBuilder()
                .setName("identity")
                .addInput(floats("x"))
                .addOutput(floats("y"))
                .addNode(NodeProto.newBuilder().setOpType("Identity").addInput("x").addOutput("y")))
        .build();
  }

  private static ValueInfoProto floats(String name) {
    TypeProto.Tensor tensor =
        TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT.getNumber()).build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }
}
