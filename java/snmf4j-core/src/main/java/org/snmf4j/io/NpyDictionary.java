package org.snmf4j.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.snmf4j.error.FileFormatException;

/**
 * The Python dictionary in an {@code .npy} header: the keys {@code descr}, {@code fortran_order}
 * and {@code shape}, each once, in any order.
 */
final class NpyDictionary {
  // NumPy itself stops at 64.
  private static final int MAX_DIMENSIONS = 64;

  private final Path file;
  private final String text;
  private int at;
  private String descr;
  private Boolean fortranOrder;
  private List<Long> shape;

  private NpyDictionary(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  static NpyDictionary parse(Path file, String text) {
    NpyDictionary dictionary = new NpyDictionary(file, text);
    dictionary.parse();
    return dictionary;
  }

  String descr() {
    return descr;
  }

  boolean fortranOrder() {
    return fortranOrder;
  }

  List<Long> shape() {
    return shape;
  }

  private void parse() {
    expect('{');
    while (peek() != '}') {
      String key = string();
      expect(':');
      switch (key) {
        case "descr":
          requireFirst(key, descr);
          descr = descrValue();
          break;
        case "fortran_order":
          requireFirst(key, fortranOrder);
          fortranOrder = bool();
          break;
        case "shape":
          requireFirst(key, shape);
          shape = tuple();
          break;
        default:
          throw broken("has the unknown key " + FileBytes.quote(key));
      }
      if (peek() != '}') {
        expect(',');
      }
    }
    expect('}');
    if (peek() != 0) {
      throw broken("goes on after its '}' with " + found());
    }
    requirePresent("descr", descr);
    requirePresent("fortran_order", fortranOrder);
    requirePresent("shape", shape);
  }

  private void requireFirst(String key, Object value) {
    if (value != null) {
      throw broken("has the key '" + key + "' twice");
    }
  }

  private void requirePresent(String key, Object value) {
    if (value == null) {
      throw broken("lacks the key '" + key + "'");
    }
  }

  private String descrValue() {
    char next = peek();
    if (next == '[' || next == '(' || next == '{') {
      throw new FileFormatException(
          file, "has a structured dtype; supported are plain numbers such as '<f4'");
    }
    return string();
  }

  private String string() {
    char quote = peek();
    if (quote != '\'' && quote != '"') {
      throw broken("has " + found() + " where a quoted text must stand");
    }
    int end = text.indexOf(quote, at + 1);
    if (end < 0) {
      throw broken("has a text without its closing quote");
    }
    String value = text.substring(at + 1, end);
    if (value.indexOf('\\') >= 0) {
      throw broken("has a backslash in " + FileBytes.quote(value));
    }
    at = end + 1;
    return value;
  }

  private boolean bool() {
    peek();
    for (String word : new String[] {"True", "False"}) {
      if (text.startsWith(word, at)) {
        at += word.length();
        return word.equals("True");
      }
    }
    throw broken("has " + found() + " where True or False must stand");
  }

  private List<Long> tuple() {
    expect('(');
    List<Long> values = new ArrayList<>();
    boolean comma = false;
    while (peek() != ')') {
      if (values.size() == MAX_DIMENSIONS) {
        throw broken("has a shape of more than " + MAX_DIMENSIONS + " dimensions");
      }
      values.add(integer());
      comma = peek() == ',';
      if (comma) {
        at++;
      } else if (peek() != ')') {
        throw broken("has " + found() + " inside its shape");
      }
    }
    expect(')');
    if (values.size() == 1 && !comma) {
      throw broken("has a shape that is a number and not a tuple");
    }
    return values;
  }

  private long integer() {
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (start == at || (text.charAt(start) == '0' && at - start > 1)) {
      at = start;
      throw broken("has " + found() + " where a dimension must stand");
    }
    try {
      long value = Long.parseLong(text, start, at, 10);
      if (at < text.length() && text.charAt(at) == 'L') {
        at++; // Python 2 wrote 3L.
      }
      return value;
    } catch (NumberFormatException e) {
      throw broken(
          "has the dimension " + FileBytes.quote(text.substring(start, at)) + ", beyond 2^63 - 1");
    }
  }

  private void expect(char wanted) {
    if (peek() != wanted) {
      throw broken("has " + found() + " where '" + wanted + "' must stand");
    }
    at++;
  }

  /** The next character that is not white space, or 0 at the end. */
  private char peek() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    // A real NUL must not pass for the end.
    return at == text.length() ? 0 : text.charAt(at) == 0 ? '\uffff' : text.charAt(at);
  }

  private String found() {
    return at == text.length()
        ? "its end"
        : FileBytes.quote(text.substring(at, at + 1)) + " at character " + at;
  }

  private FileFormatException broken(String problem) {
    return new FileFormatException(file, "is malformed: its header " + problem);
  }
}
