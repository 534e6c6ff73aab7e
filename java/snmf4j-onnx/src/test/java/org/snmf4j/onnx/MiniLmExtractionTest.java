package org.snmf4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.CancelledException;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.ActivationStore;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.activations.TokenTable;
import org.snmf4j.onnx.runtime.NativeCounts;
import org.snmf4j.onnx.text.DataSet;
import org.snmf4j.onnx.text.DataSet.Sentence;
import org.snmf4j.onnx.text.TextTokenizer;

/** Text through a real tokenizer and a real model. */
class MiniLmExtractionTest {
  @TempDir static Path directory;
  private static OnnxModel model;
  private static TextTokenizer tokenizer;

  @BeforeAll
  static void open() {
    model = OnnxModel.open(MiniLm.model(directory));
    tokenizer = TextTokenizer.open(MiniLm.tokenizer(directory));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
    model.close();
    assertEquals(0, NativeCounts.sessions());
    assertEquals(0, NativeCounts.tensors());
  }

  @Test
  void textBecomesActivationsOfItsOwnTokens() {
    DataSet sentences =
        DataSet.of(
            List.of(
                new Sentence("It rains on Monday 😀 in Köln.", "days"),
                new Sentence("Red!", null),
                new Sentence("A long sentence about nothing in particular, sadly.", "other")));
    ActivationStore store =
        Extractor.builder(model)
            .text(sentences, tokenizer)
            .sites(List.of(Site.MLP, Site.RESIDUAL))
            .layers(List.of(3))
            .build()
            .extractTo(directory.resolve("store"));
    TokenTable tokens = store.tokens();
    assertEquals("it", tokens.piece(0));
    assertEquals(1, tokens.position(0));
    for (int i = 0; i < tokens.size(); i++) {
      assertTrue(!tokens.piece(i).equals("[CLS]") && !tokens.piece(i).equals("[SEP]"));
      String text = tokens.sentences().get(tokens.sentence(i)).text();
      String covered = text.substring(tokens.start(i), tokens.end(i));
      assertTrue(!covered.isBlank(), tokens.piece(i));
      if (tokens.piece(i).equals("monday")) {
        assertEquals("Monday", covered);
        assertEquals("days", tokens.label(i));
      }
    }
    try (ActivationSet mlp = store.load(Site.MLP, 3);
        ActivationSet residual = store.load(Site.RESIDUAL, 3)) {
      assertEquals(1536, mlp.matrix().rows());
      assertEquals(384, residual.matrix().rows());
      assertEquals(tokens.size(), mlp.matrix().columns());
      mlp.matrix().requireFinite("mlp");
    }
  }

  @Test
  void longSentencesAreNamedOrCutBeforeTheLastSpecialToken() {
    DataSet sentences =
        DataSet.of(
            List.of(new Sentence("short", null), new Sentence("day ".repeat(600).strip(), null)));
    Extractor.Builder builder =
        Extractor.builder(model).text(sentences, tokenizer).layers(List.of(0));
    ContextOverflowException e =
        assertThrows(ContextOverflowException.class, () -> builder.build().extract());
    assertEquals(1, e.sentence());
    assertEquals(602, e.tokens());
    assertEquals(512, e.limit());
    assertTrue(
        e.getMessage().contains("sentence 1 has 602 tokens but the model takes at most 512"),
        e.getMessage());
    try (Activations cut = builder.truncate(true).build().extract()) {
      // 512 positions, of which the first and the last are special.
      assertEquals(1 + 510, cut.tokens().size());
      assertEquals(510, cut.tokens().position(cut.tokens().size() - 1));
    }
  }

  @Test
  void tokenizersOfOtherModels() {
    DataSet sentences =
        DataSet.of(List.of(new Sentence("[PAD]", null), new Sentence("Hello", null)));
    try (OnnxModel small = OnnxModel.open(TestModels.model("bert-torchscript"))) {
      Extractor extractor = Extractor.builder(small).text(sentences, tokenizer).build();
      TokenizerMismatchException e =
          assertThrows(TokenizerMismatchException.class, extractor::extract);
      assertTrue(e.getMessage().contains("sentence 0 has token id 101"), e.getMessage());
      assertTrue(e.getMessage().contains("vocabulary ends at 96"), e.getMessage());
    }
  }

  @Test
  void cancellationWhileTokenizing() {
    DataSet sentences = DataSet.of(List.of(new Sentence("a", null)));
    boolean[] first = {true};
    Extractor extractor =
        Extractor.builder(model)
            .text(sentences, tokenizer)
            .layers(List.of(0))
            .cancellation(
                () -> {
                  boolean answer = !first[0];
                  first[0] = false;
                  return answer;
                })
            .build();
    assertThrows(CancelledException.class, extractor::extract);
  }
}
