package org.snmf4j.interpret.contexts;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.TokenTable;

/** Tokens of many tokenizers, put back into text. */
class TokenTextTest {
  @Test
  void partsOfWordsAndWhatStandsBetween() {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence("A  spring-clean,\nreally", null);
    table.addToken(1, "a", 0, 1, sentence, 1);
    table.addToken(2, "spring", 3, 9, sentence, 2);
    table.addToken(3, "-", 9, 10, sentence, 3);
    table.addToken(4, "clean", 10, 15, sentence, 4);
    // The comma was dropped.
    table.addToken(5, "real", 17, 21, sentence, 5);
    table.addToken(6, "##ly", 21, 23, sentence, 6);
    Context context = around(table.build(), 3);
    assertEquals("A  spring-clean,\nreally", context.text());
    assertEquals(List.of("", "  ", "", "", ",\n", ""), gaps(context));
    assertEquals("clean", context.focusText());
  }

  @Test
  void spaceThatBelongsToTheTokenStandsBeforeIt() {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence("on Friday  night", null);
    table.addToken(1, "on", 0, 2, sentence, 0);
    table.addToken(2, "ĠFriday", 2, 9, sentence, 1);
    table.addToken(3, "Ġ", 9, 10, sentence, 2);
    table.addToken(4, "Ġnight", 10, 16, sentence, 3);
    Context context = around(table.build(), 1);
    assertEquals("on Friday  night", context.text());
    assertEquals("Friday", context.focusText());
    assertEquals(" ", context.tokens().get(2).text());
  }

  @Test
  void aCharacterOfSeveralTokensIsShownOnce() {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence("go 🦊!", null);
    table.addToken(1, "go", 0, 2, sentence, 0);
    for (int part = 0; part < 4; part++) {
      table.addToken(100 + part, "<0xF0>", 3, 5, sentence, 1 + part);
    }
    table.addToken(2, "!", 5, 6, sentence, 5);
    for (int focus = 0; focus < 6; focus++) {
      assertEquals("go 🦊!", around(table.build(), focus).text());
    }
    assertEquals("🦊", around(table.build(), 1).focusText());
    assertEquals("🦊", around(table.build(), 3).focusText());
  }

  @Test
  void piecesWithoutText() {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence(null, null);
    table.addToken(7, "▁hi", -1, -1, sentence, 0);
    table.addToken(8, "there", -1, -1, sentence, 1);
    assertEquals("▁hi there", around(table.build(), 1).text());
  }

  @Test
  void idsWithoutTokenizer() {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence(null, null);
    table.addToken(7, null, -1, -1, sentence, 0);
    table.addToken(12, null, -1, -1, sentence, 1);
    Context context = around(table.build(), 0);
    assertEquals("‹7› ‹12›", context.text());
    assertEquals(12, context.tokens().get(1).id());
  }

  @ParameterizedTest
  @CsvSource({"0, 99", "-3, 1", "2, 1", "1, 1"})
  void spansOutsideTheTextGiveWayToPieces(int start, int end) {
    TokenTable.Builder table = new TokenTable.Builder();
    int sentence = table.addSentence("text", null);
    table.addToken(7, "piece", start, end, sentence, 0);
    assertEquals("piece", around(table.build(), 0).text());
  }

  @ParameterizedTest
  @CsvSource({
    "Friday, friday",
    "##DAY, day",
    "ĠFriday, friday",
    "▁Friday, friday",
    "##, ##",
    "▁, ▁",
    "STRASSE, strasse",
    "straße, strasse",
    "ﬁg, fig",
    "ⅷ, viii"
  })
  void compared(String token, String form) {
    assertEquals(form, TokenText.compared(token));
  }

  private static Context around(TokenTable tokens, int focus) {
    float[] row = new float[tokens.size()];
    row[focus] = 1;
    try (Matrix coefficients = Matrix.of(new float[][] {row})) {
      return new ContextWindow(tokens, coefficients, 15).around(0, focus);
    }
  }

  private static List<String> gaps(Context context) {
    return IntStream.range(0, context.tokens().size())
        .mapToObj(i -> context.tokens().get(i).gap())
        .toList();
  }
}
