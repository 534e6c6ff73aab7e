package org.snmf4j.onnx.activations;

/**
 * An entry of a store's manifest.
 *
 * @param site where the activations were taken
 * @param layer 0-based index of the transformer block
 * @param dimension d, neurons per token
 */
record StoredFile(Site site, int layer, int dimension) {
  static final String TENSOR = "activations";

  /** Name of the file in the store, {@code SITE.LAYER.safetensors}. */
  String name() {
    return name(site, layer) + ".safetensors";
  }

  /** Name of the exported file, {@code SITE.LAYER.npy}. */
  String exportName() {
    return name(site, layer) + ".npy";
  }

  static String name(Site site, int layer) {
    return site.id() + "." + layer;
  }
}
