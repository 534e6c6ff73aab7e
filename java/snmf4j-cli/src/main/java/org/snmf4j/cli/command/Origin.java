package org.snmf4j.cli.command;

import java.util.Map;
import java.util.Set;
import org.snmf4j.SnmfModel;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;

/**
 * The activations that a model was fitted to, as its attributes tell.
 *
 * @param model name of the language model's file, without directories
 */
record Origin(Site site, int layer, String model) {
  private static final String SITE = "site";
  private static final String LAYER = "layer";
  private static final String MODEL = "model";

  static Origin of(ActivationStore store, ActivationSet set) {
    return new Origin(set.site(), set.layer(), store.model().file());
  }

  /**
   * What a model's attributes tell, or null where they tell nothing, as of a model that was fitted
   * to a plain matrix.
   *
   * @throws SnmfException where they make no sense
   */
  static Origin of(SnmfModel fitted) {
    Map<String, String> attributes = fitted.attributes();
    if (!attributes.keySet().containsAll(Set.of(SITE, LAYER, MODEL))) {
      return null;
    }
    try {
      return new Origin(
          Site.of(attributes.get(SITE)), layer(attributes.get(LAYER)), attributes.get(MODEL));
    } catch (InvalidArgumentException e) {
      throw new SnmfException("the model's attribute " + e.getMessage(), e);
    }
  }

  private static int layer(String text) {
    if (!text.matches("0|[1-9][0-9]{0,8}")) {
      throw new InvalidArgumentException(LAYER, text, "an integer of at least 0");
    }
    return Integer.parseInt(text);
  }

  Map<String, String> attributes() {
    return Map.of(SITE, site.id(), LAYER, Integer.toString(layer), MODEL, model);
  }
}
