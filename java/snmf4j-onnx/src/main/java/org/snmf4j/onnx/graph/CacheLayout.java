package org.snmf4j.onnx.graph;

import java.util.List;
import java.util.Optional;

/**
 * How a causal model is given, and returns, the keys and values of earlier tokens.
 *
 * @param entries one per cached tensor, in the order of the graph's inputs: keys and values of
 *     every layer apart ({@code past_key_values.L.key}), or together ({@code past_L}, {@code [2,
 *     batch, heads, sequence, width]})
 * @param useCacheInput name of the boolean input by which a merged model chooses between its
 *     branches with and without a cache, if it has one
 * @param grouped whether the keys and values go straight into fused grouped-query attention, which
 *     allows buffers of full length, the same for past and present
 */
public record CacheLayout(
    List<CacheEntry> entries, Optional<String> useCacheInput, boolean grouped) {

  /** Copies the list. */
  public CacheLayout {
    entries = List.copyOf(entries);
  }
}
