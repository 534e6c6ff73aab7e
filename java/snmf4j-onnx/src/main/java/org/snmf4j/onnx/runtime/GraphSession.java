package org.snmf4j.onnx.runtime;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
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
  /** Where ONNX Runtime looks for external data of a model that it is given as bytes. */
  private static final String EXTERNAL_FOLDER =
      "session.model_external_initializers_file_folder_path";

  private final String file;
  private final OrtEnvironment environment;
  private OrtSession session;

  private GraphSession(String file, OrtEnvironment environment, OrtSession session) {
    this.file = file;
    this.environment = environment;
    this.session = session;
  }

  /**
   * Opens a session.
   *
   * @param graph the graph as it was read: says where external data lies
   * @param model what to run: an edit of {@code graph}
   * @param threads threads within an operator; 0 is a thread per core
   * @throws InvalidArgumentException if {@code threads} is negative
   * @throws ModelFormatException if ONNX Runtime refuses the model
   * @throws BackendUnavailableException if ONNX Runtime's native library cannot be loaded
   */
  public static GraphSession open(ModelGraph graph, ModelProto model, int threads) {
    if (threads < 0) {
      throw new InvalidArgumentException("threads", threads, "at least 0");
    }
    OrtEnvironment environment = loaded();
    try (OrtSession.SessionOptions settings = new OrtSession.SessionOptions()) {
      settings.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      if (threads > 0) {
        settings.setIntraOpNumThreads(threads);
      }
      if (graph.hasExternalData()) {
        settings.addConfigEntry(
            EXTERNAL_FOLDER, graph.file().toAbsolutePath().normalize().getParent().toString());
      }
      OrtSession session = environment.createSession(model.toByteArray(), settings);
      NativeCounts.sessionOpened();
      return new GraphSession(graph.file().toString(), environment, session);
    } catch (OrtException e) {
      throw new ModelFormatException(graph.file(), "ONNX Runtime refuses it: " + e.getMessage(), e);
    }
  }

  private static OrtEnvironment loaded() {
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
