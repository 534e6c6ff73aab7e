package org.snmf4j.onnx;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;

/**
 * What one extraction gave, in memory: a set of activations per site and layer over the same
 * tokens. {@link #close()} closes them all. Reading is safe from several threads.
 */
public final class Activations implements AutoCloseable {
  private final Map<SiteLayer, ActivationSet> sets;
  private final TokenTable tokens;

  Activations(Map<SiteLayer, ActivationSet> sets, TokenTable tokens) {
    this.sets = Map.copyOf(sets);
    this.tokens = tokens;
  }

  /**
   * The activations of a site of a layer.
   *
   * @throws InvalidArgumentException if they were not asked for
   */
  public ActivationSet get(Site site, int layer) {
    ActivationSet set = sets.get(new SiteLayer(site, layer));
    if (set == null) {
      List<String> present =
          sets.keySet().stream().map(key -> key.site().id() + "." + key.layer()).sorted().toList();
      throw new InvalidArgumentException(
          "activations", site.id() + "." + layer, "among those extracted: " + present);
    }
    return set;
  }

  /** All sets, in no particular order. */
  public Collection<ActivationSet> all() {
    return sets.values();
  }

  /** The n tokens. */
  public TokenTable tokens() {
    return tokens;
  }

  @Override
  public void close() {
    sets.values().forEach(ActivationSet::close);
  }
}
