package org.snmf4j.interpret.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.interpret.PlantedConcepts;
import org.snmf4j.interpret.contexts.ContextOptions;
import org.snmf4j.interpret.contexts.FeatureContexts;
import org.snmf4j.interpret.contexts.TopContexts;

/** A page of the usual size, kept under target/ to be looked at. */
class ReportSampleTest {
  private static final int CONCEPTS = 28;

  @Test
  void plantedConceptsAreTheMostLegibleAndThePageStaysSmall(@TempDir Path directory)
      throws IOException {
    try (PlantedConcepts planted = new PlantedConcepts(directory, 100)) {
      TopContexts contexts =
          TopContexts.of(planted.model(), planted.activations(), ContextOptions.defaults());
      List<Integer> legible =
          contexts.byLegibility().stream().map(FeatureContexts::feature).limit(CONCEPTS).toList();
      // Words that only one concept uses, such as the brackets of code, are legible as well.
      long concepts = legible.stream().filter(feature -> feature < CONCEPTS).count();
      assertTrue(concepts >= 20, legible::toString);
      for (FeatureContexts feature : contexts.features().subList(0, CONCEPTS)) {
        assertEquals(1, feature.legibility().labelPurity());
        assertEquals(feature.contexts().get(0).label(), feature.labels().get(0).label());
      }

      Report report =
          Report.of(
              planted.model(),
              planted.activations(),
              contexts,
              new ReportSource("planted-concepts", "concepts.json"));
      Path page = Path.of("target", "report-sample.html");
      ReportHtml.write(report, page);
      assertTrue(Files.size(page) < 1_000_000, () -> "page of " + page.toFile().length());
    }
  }
}
