package org.snmf4j.interpret.contexts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.SnmfModel;
import org.snmf4j.interpret.Models;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/** Labels and legibility, computed by hand. */
class LabelsTest {
  private static final double EXACT = 1e-12;

  @TempDir Path directory;

  /** Ten tokens: four of "day", four of "colour", two of a sentence without label. */
  private static TokenTable tenTokens() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "on Friday", "day");
    Models.addWords(table, "FRIDAY again", "day");
    Models.addWords(table, "a red Friday car", "colour");
    Models.addWords(table, "no label", null);
    return table.build();
  }

  @Test
  void preferencesByHand() {
    //             on Friday FRIDAY again a red Friday car no label
    float[] row = {0, 4, 3, 0, 0, 2, 0, 0, 1, 0};
    FeatureContexts feature = read(tenTokens(), row, ContextOptions.defaults().withContexts(3));
    // Mass 10: 7 on "day", 2 on "colour", 1 on none; each label has 4 of 10 tokens.
    assertEquals(2, feature.labels().size());
    LabelPreference day = feature.labels().get(0);
    assertEquals("day", day.label());
    assertEquals(2, day.contexts());
    assertEquals(2 / 3.0, day.contextShare(), EXACT);
    assertEquals(0.7, day.massShare(), EXACT);
    assertEquals(0.4, day.tokenShare(), EXACT);
    assertEquals(1.75, day.lift(), EXACT);
    LabelPreference colour = feature.labels().get(1);
    assertEquals("colour", colour.label());
    assertEquals(1, colour.contexts());
    assertEquals(0.5, colour.lift(), EXACT);
  }

  @Test
  void aLabelWithoutContextsCountsOnlyBeyondItsShare() {
    // The top context is of "day"; "colour" has 6 of 10 of the mass, "day" 4 of 10.
    float[] row = {0, 4, 0, 0, 2, 2, 1, 1, 0, 0};
    FeatureContexts feature = read(tenTokens(), row, ContextOptions.defaults().withContexts(1));
    assertEquals(
        List.of("day", "colour"), feature.labels().stream().map(LabelPreference::label).toList());
    // Here it has 2 of 10 only, less than its 4 of 10 tokens.
    float[] less = {0, 4, 4, 0, 2, 0, 0, 0, 0, 0};
    feature = read(tenTokens(), less, ContextOptions.defaults().withContexts(1));
    assertEquals(List.of("day"), feature.labels().stream().map(LabelPreference::label).toList());
  }

  @Test
  void atMostAsManyLabelsAsAskedFor() {
    float[] row = {0, 4, 3, 0, 0, 2, 0, 0, 1, 0};
    FeatureContexts feature = read(tenTokens(), row, ContextOptions.defaults().withLabels(1));
    assertEquals(List.of("day"), feature.labels().stream().map(LabelPreference::label).toList());
  }

  @Test
  void legibilityByHand() {
    float[] row = {0, 4, 3, 0, 0, 2, 0, 0, 1, 0};
    Legibility found =
        read(tenTokens(), row, ContextOptions.defaults().withContexts(3)).legibility();
    assertEquals("friday", found.token());
    assertEquals(2 / 3.0, found.tokenPurity(), EXACT);
    assertEquals("day", found.label());
    assertEquals(2 / 3.0, found.labelPurity(), EXACT);
    // Σy = 10, Σy² = 30, n = 10.
    assertEquals(1 - 100 / 300.0, found.selectivity(), EXACT);
    // Three sentences of the three that three contexts can come from.
    assertEquals(1, found.spread(), EXACT);
    // λ = (2/3 − 0.4) / 0.6 = 4/9, τ = 2/3.
    assertEquals(4 / 9.0 * 2 / 3.0 * 2 / 3.0, found.score(), EXACT);
  }

  @Test
  void aWordCountsAQuarterWhereLabelsDisagree() {
    float[] row = {0, 4, 0, 0, 0, 0, 4, 0, 0, 0};
    Legibility found =
        read(tenTokens(), row, ContextOptions.defaults().withContexts(2)).legibility();
    // λ = (1/2 − 0.4) / 0.6 = 1/6, τ = 1; Σy = 8, Σy² = 32.
    assertEquals(1, found.tokenPurity());
    assertEquals(0.25 * (1 - 64 / 320.0), found.score(), EXACT);
    assertEquals("day", found.label(), "of equally frequent labels that of the stronger token");
  }

  @Test
  void oneSentenceIsNoConcept() {
    float[] row = {0, 0, 0, 0, 1, 1, 1, 1, 0, 0};
    Legibility found =
        read(tenTokens(), row, ContextOptions.defaults().withContexts(4)).legibility();
    assertEquals(1, found.labelPurity());
    assertEquals(0.25, found.spread(), EXACT);
    // λ = 1, τ = 1/4.
    assertEquals(0.875 * (1 - 16 / 40.0) * 0.25, found.score(), EXACT);
  }

  @Test
  void evenFeatureHasNoSelectivity() {
    float[] row = {0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f};
    Legibility found = read(tenTokens(), row, ContextOptions.defaults()).legibility();
    assertEquals(0, found.selectivity(), 1e-7);
    assertTrue(found.score() >= 0);
  }

  @Test
  void oneLabelForEverythingTellsNothing() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "red", "all");
    Models.addWords(table, "blue", "all");
    Models.addWords(table, "and so", "all");
    float[] row = {2, 1, 0, 0};
    Legibility found = read(table.build(), row, ContextOptions.defaults()).legibility();
    assertEquals(1, found.labelPurity());
    // λ = 0; τ = 1/2; Σy = 3, Σy² = 5, n = 4; two of three sentences.
    assertEquals(0.125 * (1 - 9 / 20.0) * 2 / 3, found.score(), EXACT);
  }

  @Test
  void withoutLabelsTheWordDecides() {
    TokenTable.Builder table = new TokenTable.Builder();
    Models.addWords(table, "Red car", null);
    Models.addWords(table, "red bus", null);
    float[] row = {2, 0, 2, 0};
    FeatureContexts feature = read(table.build(), row, ContextOptions.defaults());
    assertTrue(feature.labels().isEmpty());
    assertNull(feature.contexts().get(0).label());
    assertNull(feature.legibility().label());
    assertEquals(0, feature.legibility().labelPurity());
    // τ = 1; Σy = 4, Σy² = 8, n = 4.
    assertEquals(0.5, feature.legibility().score(), EXACT);
  }

  private FeatureContexts read(TokenTable tokens, float[] row, ContextOptions options) {
    try (Matrix z = Matrix.of(new float[][] {{1}});
        Matrix y = Matrix.of(new float[][] {row});
        SnmfModel model = Models.of(directory, z, y);
        ActivationSet activations = Models.activations(1, tokens)) {
      return TopContexts.of(model, activations, options).features().get(0);
    }
  }
}
