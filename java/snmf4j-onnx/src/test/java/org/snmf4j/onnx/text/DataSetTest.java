package org.snmf4j.onnx.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.text.DataSet.Sentence;

class DataSetTest {
  @TempDir Path directory;

  static Stream<Arguments> wellFormed() {
    List<Sentence> two = List.of(new Sentence("It is Monday.", "days"), new Sentence("Red", null));
    List<Sentence> plain = List.of(new Sentence("It is Monday.", null), new Sentence("Red", null));
    return Stream.of(
        Arguments.of(
            "list.json",
            "[{\"prompt\": \"It is Monday.\", \"label\": \"days\", \"id\": 7},"
                + " {\"text\": \"Red\", \"label\": null}]",
            two),
        Arguments.of("list.JSON", "[{\"text\": \"It is Monday.\"}, {\"prompt\": \"Red\"}]", plain),
        Arguments.of(
            "map.json",
            "{\"days\": [\"It is Monday.\", \"Friday\"], \"none\": [], \"colours\": [\"Red\"]}",
            List.of(
                new Sentence("It is Monday.", "days"),
                new Sentence("Friday", "days"),
                new Sentence("Red", "colours"))),
        Arguments.of("a.csv", "prompt,label\nIt is Monday.,days\nRed,\n", two),
        Arguments.of("b.csv", "\uFEFFlabel,id,text\r\ndays,1,It is Monday.\r\n,2,Red\r\n", two),
        Arguments.of("c.csv", "text\nIt is Monday.\n\nRed", plain),
        Arguments.of(
            "d.csv",
            "prompt,label\n\"He said \"\"no, never\"\"\nand left\",quotes\n",
            List.of(new Sentence("He said \"no, never\"\nand left", "quotes"))),
        Arguments.of("a.txt", "It is Monday.\n\n  \nRed", plain),
        Arguments.of("b.txt", "\uFEFFIt is Monday.\r\nRed\r\n", plain));
  }

  @ParameterizedTest
  @MethodSource
  void wellFormed(String name, String content, List<Sentence> expected) throws IOException {
    DataSet dataSet = DataSet.read(Files.writeString(directory.resolve(name), content));
    assertEquals(expected, dataSet.sentences());
    assertEquals(expected.size(), dataSet.size());
    assertEquals(expected.stream().anyMatch(s -> s.label() != null), dataSet.isLabelled());
  }

  static Stream<Arguments> malformed() {
    return Stream.of(
        Arguments.of("empty.json", "", -1, "the file is empty"),
        Arguments.of("blank.json", " \n", -1, "the file is empty"),
        Arguments.of("no-entry.json", "[]", -1, "holds no sentence"),
        Arguments.of("no-label.json", "{}", -1, "holds no sentence"),
        Arguments.of("no-prompt.json", "{\"a\": []}", -1, "holds no sentence"),
        Arguments.of("cut.json", "[{\"prompt\": \"a\"}, {\"pro", -1, "not JSON"),
        Arguments.of("trailing.json", "[{\"prompt\": \"a\"}] []", -1, "not JSON"),
        Arguments.of("line.json", "[\n\n  nonsense]", -1, "line 3"),
        Arguments.of("twice.json", "{\"a\": [\"x\"], \"a\": [\"y\"]}", -1, "Duplicate field 'a'"),
        Arguments.of("string.json", "\"a\"", -1, "top level is a string"),
        Arguments.of("strings.json", "[\"a\"]", 0, "is a string but must be an object"),
        Arguments.of("neither.json", "[{\"prompt\": \"a\"}, {\"label\": \"b\"}]", 1, "neither"),
        Arguments.of("both.json", "[{\"prompt\": \"a\", \"text\": \"b\"}]", 0, "both"),
        Arguments.of("number.json", "[{\"prompt\": 5}]", 0, "its prompt is a number"),
        Arguments.of("null.json", "[{\"text\": null}]", 0, "its text is null"),
        Arguments.of("label.json", "[{\"text\": \"a\", \"label\": [1]}]", 0, "its label is a list"),
        Arguments.of("space.json", "[{\"text\": \"a\"}, {\"text\": \" \"}]", 1, "not be blank"),
        Arguments.of("value.json", "{\"a\": \"x\"}", 0, "the value of label 'a' is a string"),
        Arguments.of("prompt.json", "{\"a\": [\"x\", 1]}", 1, "prompt of label 'a' is a number"),
        Arguments.of("empty.csv", "", -1, "its header is []"),
        Arguments.of("header.csv", "prompt,label\n", -1, "holds no sentence"),
        Arguments.of("column.csv", "sentence,label\na,b\n", -1, "[sentence, label]"),
        Arguments.of("both.csv", "prompt,text\na,b\n", -1, "one column 'prompt' or 'text'"),
        Arguments.of("same.csv", "text,text\na,b\n", -1, "not CSV"),
        Arguments.of("fields.csv", "prompt,label\na,b\nc\n", 1, "has 1 fields but the header 2"),
        Arguments.of("blank.csv", "prompt,label\na,b\n ,c\n", 1, "must not be blank"),
        Arguments.of("quote.csv", "prompt\na\n\"open\n", -1, "not CSV after entry 0"),
        Arguments.of("empty.txt", "", -1, "holds no sentence"),
        Arguments.of("blank.txt", "\n \n", -1, "holds no sentence"),
        Arguments.of("data.xml", "<a/>", -1, "data sets end in .json, .csv or .txt"));
  }

  @ParameterizedTest
  @MethodSource
  void malformed(String name, String content, long entry, String message) throws IOException {
    Path file = Files.writeString(directory.resolve(name), content);
    DataSetException e = assertThrows(DataSetException.class, () -> DataSet.read(file));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertTrue(e.getMessage().contains(name), e.getMessage());
    assertEquals(entry, e.entry());
    if (entry >= 0) {
      assertTrue(e.getMessage().contains("entry " + entry), e.getMessage());
    }
  }

  static Stream<Arguments> latin1() {
    return Stream.of(
        Arguments.of("a.json", "[{\"text\": \"Köln\"}]"),
        Arguments.of("a.csv", "text\nKöln\n"),
        Arguments.of("a.txt", "Köln\n"));
  }

  @ParameterizedTest
  @MethodSource("latin1")
  void otherEncodingsAreRefused(String name, String content) throws IOException {
    Path file = Files.write(directory.resolve(name), content.getBytes(StandardCharsets.ISO_8859_1));
    DataSetException e = assertThrows(DataSetException.class, () -> DataSet.read(file));
    assertTrue(e.getMessage().contains("UTF-8"), e.getMessage());
  }

  @ParameterizedTest
  @MethodSource("latin1")
  void missingFiles(String name) {
    FileAccessException e =
        assertThrows(
            FileAccessException.class, () -> DataSet.read(directory.resolve("no-" + name)));
    assertTrue(e.getMessage().contains("no-" + name), e.getMessage());
  }

  @Test
  void dataSetsOfSentences() {
    DataSet dataSet = DataSet.of(List.of(new Sentence("a", null)));
    assertFalse(dataSet.isLabelled());
    assertThrows(InvalidArgumentException.class, () -> DataSet.of(List.of()));
    assertThrows(InvalidArgumentException.class, () -> new Sentence(" ", null));
    assertThrows(InvalidArgumentException.class, () -> new Sentence(null, "label"));
  }
}
