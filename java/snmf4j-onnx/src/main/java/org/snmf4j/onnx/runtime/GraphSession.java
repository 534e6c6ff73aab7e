package org.snmf4j.onnx.runtime;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtException.OrtErrorCode;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtProviderOptions;
import ai.onnxruntime.OrtSession;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import org.snmf4j.backend.Availability;
import org.snmf4j.error.BackendFailureException;
import org.snmf4j.error.BackendUnavailableException;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.graph.ModelFormatException;
import org.snmf4j.onnx.graph.ModelGraph;

/**
 * A native session of ONNX Runtime for an edited graph.
 *
 * <p>Owns the session until {@link #close()}; tensors that a caller makes or gets are the caller's
 * to close and to count in {@link NativeCounts}. ONNX Runtime allows several threads to run one
 * session at a time; nobody may close it meanwhile.
 */
public final class GraphSession implements AutoCloseable {
  private static final Logger LOG = System.getLogger(GraphSession.class.getName());

  /** What ONNX Runtime says of a model that no provider would run. */
  private static final Set<OrtErrorCode> MODEL_FAULTS =
      Set.of(
          OrtErrorCode.ORT_INVALID_GRAPH,
          OrtErrorCode.ORT_INVALID_PROTOBUF,
          OrtErrorCode.ORT_INVALID_ARGUMENT,
          OrtErrorCode.ORT_NO_SUCHFILE,
          OrtErrorCode.ORT_NO_MODEL,
          OrtErrorCode.ORT_NOT_IMPLEMENTED);

  /** Where ONNX Runtime looks for external data of a model that it is given as bytes. */
  private static final String EXTERNAL_FOLDER =
      "session.model_external_initializers_file_folder_path";

  private final String file;
  private final OrtEnvironment environment;
  private final ExecutionProvider provider;
  private OrtSession session;

  private GraphSession(
      String file, OrtEnvironment environment, OrtSession session, ExecutionProvider provider) {
    this.file = file;
    this.environment = environment;
    this.session = session;
    this.provider = provider;
  }

  /**
   * Opens a session.
   *
   * @param graph the graph as it was read: says where external data lies
   * @param model what to run: an edit of {@code graph}
   * @param settings threads, and what computes
   * @throws InvalidArgumentException if {@link ExecutionProvider#PROPERTY} decides and is wrong
   * @throws ModelFormatException if ONNX Runtime refuses the model
   * @throws BackendUnavailableException if ONNX Runtime's native library cannot be loaded, or if
   *     {@link ExecutionProvider#CUDA} is forced and cannot be used
   */
  public static GraphSession open(ModelGraph graph, ModelProto model, SessionSettings settings) {
    ExecutionProvider wanted = settings.wanted();
    OrtEnvironment environment = loaded();
    byte[] bytes = model.toByteArray();
    if (wanted == ExecutionProvider.CPU || !usesCuda(wanted)) {
      return onCpu(environment, graph, bytes, settings);
    }
    OrtException failure;
    try {
      return create(environment, graph, bytes, settings, ExecutionProvider.CUDA);
    } catch (OrtException e) {
      failure = e;
    }
    if (wanted == ExecutionProvider.CUDA) {
      throw MODEL_FAULTS.contains(failure.getCode())
          ? refused(graph, failure)
          : new BackendUnavailableException(
              "ONNX Runtime cannot run " + graph.file() + " on CUDA: " + failure.getMessage(),
              failure);
    }
    GraphSession session = onCpu(environment, graph, bytes, settings);
    LOG.log(Level.INFO, "{0} runs on the CPU: {1}", graph.file(), failure.getMessage());
    return session;
  }

  private static boolean usesCuda(ExecutionProvider wanted) {
    Availability cuda = CudaSupport.availability();
    if (wanted == ExecutionProvider.CUDA && !cuda.available()) {
      throw new BackendUnavailableException("ONNX Runtime cannot run on CUDA: " + cuda.detail());
    }
    return cuda.available();
  }

  private static GraphSession onCpu(
      OrtEnvironment environment, ModelGraph graph, byte[] model, SessionSettings settings) {
    try {
      return create(environment, graph, model, settings, ExecutionProvider.CPU);
    } catch (OrtException e) {
      throw refused(graph, e);
    }
  }

  private static ModelFormatException refused(ModelGraph graph, OrtException cause) {
    return new ModelFormatException(
        graph.file(), "ONNX Runtime refuses it: " + cause.getMessage(), cause);
  }

  private static GraphSession create(
      OrtEnvironment environment,
      ModelGraph graph,
      byte[] model,
      SessionSettings settings,
      ExecutionProvider provider)
      throws OrtException {
    OrtProviderOptions cuda = null;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      if (provider == ExecutionProvider.CUDA) {
        cuda = CudaSupport.addTo(options);
      }
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      if (settings.threads() > 0) {
        options.setIntraOpNumThreads(settings.threads());
      }
      if (graph.hasExternalData()) {
        options.addConfigEntry(
            EXTERNAL_FOLDER, graph.file().toAbsolutePath().normalize().getParent().toString());
      }
      OrtSession session = environment.createSession(model, options);
      NativeCounts.sessionOpened();
      return new GraphSession(graph.file().toString(), environment, session, provider);
    } finally {
      if (cuda != null) {
        cuda.close();
      }
    }
  }

  /** The environment, once the native library is loaded. */
  static OrtEnvironment loaded() {
    try {
      return OrtEnvironment.getEnvironment();
    } catch (LinkageError | RuntimeException e) {
      throw new BackendUnavailableException(
          "ONNX Runtime's native library cannot be loaded; it is unpacked into java.io.tmpdir,"
              + " unless onnxruntime.native.path names its directory: "
              + e
              + (e.getCause() == null ? "" : "; caused by " + e.getCause()),
          e);
    }
  }

  /**
   * The session itself, to be run but not closed.
   *
   * @throws ClosedException after {@link #close()}
   */
  public synchronized OrtSession ort() {
    if (session == null) {
      throw new ClosedException("the session of " + file + " is closed");
    }
    return session;
  }

  /** What the session runs on: the CPU or CUDA. */
  public ExecutionProvider provider() {
    return provider;
  }

  /** What tensors are made in. */
  public OrtEnvironment environment() {
    return environment;
  }

  /** Frees the native session; later calls do nothing. */
  @Override
  public synchronized void close() {
    if (session == null) {
      return;
    }
    OrtSession open = session;
    session = null;
    NativeCounts.sessionClosed();
    try {
      open.close();
    } catch (OrtException e) {
      throw new BackendFailureException("ONNX Runtime fails to close the session of " + file, e);
    }
  }
}
