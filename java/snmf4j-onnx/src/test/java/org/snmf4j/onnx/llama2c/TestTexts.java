package org.snmf4j.onnx.llama2c;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Texts that try a tokenizer's corners. */
final class TestTexts {
  private static final String[] PIECES = {
    " ",
    "  ",
    "a",
    "e",
    "the",
    " the",
    "\n",
    "\t",
    "\r",
    "é",
    "ré",
    "ð",
    "ã",
    "ção",
    "齉",
    "龘",
    "日本",
    "한국",
    "😀",
    "👩‍👩‍👧",
    "\u0085",
    "\u009f",
    "\u00a0",
    "\u2581",
    "<s>",
    "</s>",
    "<0x41>",
    "\u0000",
    "\u007f",
    "Ω",
    "ﬁ",
    "0",
    "1984",
    "--",
    "====",
    "!",
    "»",
    "«",
    "...",
    "\uFDD0",
    "\uFFFD"
  };

  private TestTexts() {}

  static List<String> corners() {
    List<String> texts =
        new ArrayList<>(
            List.of(
                "",
                " ",
                "a",
                "Once upon a time, there was a little girl named Lily.",
                "The big red dog ran to the café and ate 3 cakes!",
                "I think that",
                "I like 😀 and 👩‍👩‍👧 very much 🎉🎉",
                "r齉 and é龘 after letters that are bytes as well",
                "日本語 中文 한국어 ไทย हिन्दी العربية עברית ελληνικά русский",
                "naïve façade, São Paulo, Åre, Łódź, Þór, ðat",
                "tab\tand\nline\r\nend\n\n\n",
                "   leading and trailing   ",
                "a <s> b </s> c <unk> <0x41>",
                "<s></s>",
                "\u0080\u0084\u0085\u009f\u00a0\u00ad\u00ff",
                "\u0000\u0001\u001f\u007f",
                "\u2581 is no space",
                "\uFDD0 \uFFFE \uFEFF \uFFFD",
                "x".repeat(300),
                "antidisestablishmentarianism".repeat(20),
                "=-".repeat(60),
                "aAaA ".repeat(50)));
    for (int spaces = 1; spaces <= 40; spaces++) {
      texts.add(" ".repeat(spaces));
      texts.add("a" + " ".repeat(spaces) + "the" + " ".repeat(41 - spaces) + "\n");
    }
    for (int run = 1; run <= 24; run++) {
      texts.add("-".repeat(run) + "=".repeat(run) + "\n".repeat(run) + "o".repeat(run));
      texts.add("x" + "a".repeat(run) + "/".repeat(run) + "0".repeat(run) + "*".repeat(run));
    }
    return texts;
  }

  /** Without the three texts that writeJson documents to be special tokens. */
  static List<String> plain(List<String> texts) {
    return texts.stream().filter(text -> !text.matches("<unk>|</?s>")).toList();
  }

  /** Strings of random characters, of random parts, and of both. */
  static List<String> random(int count, long seed) {
    Random random = new Random(seed);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int length = random.nextInt(40);
      for (int j = 0; j < length; j++) {
        switch (random.nextInt(6)) {
          case 0 -> text.append(PIECES[random.nextInt(PIECES.length)]);
          case 1 -> text.append((char) ('a' + random.nextInt(26)));
          case 2 -> text.append((char) random.nextInt(0x250));
          case 3 -> text.append((char) (0x4E00 + random.nextInt(0x51FF)));
          case 4 -> text.append((char) (32 + random.nextInt(95)));
          default -> text.appendCodePoint(scalar(random));
        }
      }
      texts.add(text.toString());
    }
    return texts;
  }

  private static int scalar(Random random) {
    int point = random.nextInt(Character.MAX_CODE_POINT + 1);
    return point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE ? '!' : point;
  }
}
