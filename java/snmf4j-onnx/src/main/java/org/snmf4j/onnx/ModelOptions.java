package org.snmf4j.onnx;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.runtime.ExecutionProvider;
import org.snmf4j.onnx.runtime.SessionSettings;

/** How to open a model. Immutable. */
public final class ModelOptions {
  /** All defaults. */
  public static final ModelOptions DEFAULT = builder().build();

  private final int threads;
  private final int contextLength;
  private final Map<SiteLayer, String> siteTensors;
  private final ExecutionProvider provider;

  private ModelOptions(Builder builder) {
    threads = builder.threads;
    provider = builder.provider;
    contextLength = builder.contextLength;
    siteTensors = Map.copyOf(builder.siteTensors);
  }

  /** Starts from all defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Threads of a session; 0 leaves the choice to ONNX Runtime (a thread per core). */
  public int threads() {
    return threads;
  }

  /** Threads, and what computes, for sessions of the model. */
  public SessionSettings session() {
    return new SessionSettings(threads, provider);
  }

  /** Longest sequence to run, if the caller set one. */
  public OptionalInt contextLength() {
    return contextLength == 0 ? OptionalInt.empty() : OptionalInt.of(contextLength);
  }

  /** The tensor named by hand for a site of a layer, or null. */
  String siteTensor(Site site, int layer) {
    return siteTensors.get(new SiteLayer(site, layer));
  }

  /** Layers of which tensors are named by hand, ascending. */
  SortedSet<Integer> namedLayers() {
    SortedSet<Integer> layers = new TreeSet<>();
    siteTensors.keySet().forEach(key -> layers.add(key.layer()));
    return layers;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private int threads;
    private int contextLength;
    private ExecutionProvider provider;
    private final Map<SiteLayer, String> siteTensors = new HashMap<>();

    private Builder() {}

    /**
     * Threads of a session.
     *
     * @param count at least 0; 0, the default, is a thread per core
     */
    public Builder threads(int count) {
      if (count < 0) {
        throw new InvalidArgumentException("threads", count, "at least 0");
      }
      threads = count;
      return this;
    }

    /**
     * What computes; by default what the system property {@value ExecutionProvider#PROPERTY} names,
     * and {@link ExecutionProvider#AUTO} if it is not set. CUDA needs ONNX Runtime's artifact
     * {@code onnxruntime_gpu} in the place of {@code onnxruntime}.
     */
    public Builder provider(ExecutionProvider provider) {
      this.provider = Objects.requireNonNull(provider, "provider");
      return this;
    }

    /**
     * Longest sequence to run. Needed only where the graph does not tell: models with a table of
     * learned positions do, rotary models do not and are not limited by default.
     *
     * @param tokens at least 1
     */
    public Builder contextLength(int tokens) {
      if (tokens < 1) {
        throw new InvalidArgumentException("contextLength", tokens, "at least 1");
      }
      contextLength = tokens;
      return this;
    }

    /**
     * Names the tensor of a site by hand, for models whose sites cannot be found.
     *
     * @param layer the caller's number for it, 0-based
     * @param tensor name of a tensor of the graph with a row per token
     */
    public Builder siteTensor(Site site, int layer, String tensor) {
      if (layer < 0) {
        throw new InvalidArgumentException("layer", layer, "at least 0");
      }
      siteTensors.put(new SiteLayer(site, layer), tensor);
      return this;
    }

    /** The options collected. */
    public ModelOptions build() {
      return new ModelOptions(this);
    }
  }
}
