package org.snmf4j.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.snmf4j.error.FileFormatException;

/**
 * Strict JSON (RFC 8259), read forward by a caller who says what must come next. Nothing recurses
 * and nothing unexpected is stored, so neither deep nesting nor bulk in a hostile text does harm.
 */
final class JsonCursor {
  private final Path file;
  private final String text;
  private int at;

  JsonCursor(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /**
   * Reads an object.
   *
   * @param what names the object in messages
   * @param maxKeys refuses more keys than this
   * @param value is called for every key, once, and must read its value
   */
  void object(String what, int maxKeys, Consumer<String> value) {
    expect('{', what);
    Set<String> keys = new HashSet<>();
    if (peek() != '}') {
      while (true) {
        String key = string("a key of " + what);
        if (!keys.add(key)) {
          throw broken(what + " has the key " + FileBytes.quote(key) + " twice");
        }
        if (keys.size() > maxKeys) {
          throw broken(what + " has more than " + maxKeys + " keys");
        }
        expect(':', "what follows a key");
        value.accept(key);
        if (peek() != ',') {
          break;
        }
        at++;
      }
    }
    expect('}', "what follows a value of " + what);
  }

  /** Reads an array of at most {@code maxLength} non-negative integers below 2^63. */
  long[] integers(String what, int maxLength) {
    expect('[', what);
    List<Long> values = new ArrayList<>();
    if (peek() != ']') {
      while (true) {
        if (values.size() == maxLength) {
          throw broken(what + " has more than " + maxLength + " elements");
        }
        values.add(integer("an element of " + what));
        if (peek() != ',') {
          break;
        }
        at++;
      }
    }
    expect(']', "what follows an element of " + what);
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  /** Reads a string. */
  String string(String what) {
    expect('"', what);
    StringBuilder value = new StringBuilder();
    while (true) {
      if (at == text.length()) {
        throw broken(what + " has no closing quote");
      }
      char c = text.charAt(at++);
      if (c == '"') {
        break;
      }
      if (c < ' ') {
        throw broken(what + " holds a bare control character");
      }
      value.append(c == '\\' ? escape(what) : c);
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < value.length()
          && Character.isLowSurrogate(value.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw broken(what + " holds an unpaired surrogate");
      }
    }
    return value.toString();
  }

  /** Demands that only white space is left. */
  void end() {
    if (peek() != 0) {
      throw broken("it goes on after its end");
    }
  }

  FileFormatException broken(String problem) {
    return new FileFormatException(
        file, "has a malformed header: " + problem + " (near character " + at + ")");
  }

  private long integer(String what) {
    peek();
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    boolean leadingZero = at - start > 1 && text.charAt(start) == '0';
    boolean goesOn = at < text.length() && ".eE".indexOf(text.charAt(at)) >= 0;
    if (start == at || leadingZero || goesOn) {
      throw broken(what + " is not a non-negative integer");
    }
    try {
      return Long.parseLong(text, start, at, 10);
    } catch (NumberFormatException e) {
      throw broken(what + " is beyond 2^63 - 1");
    }
  }

  private char escape(String what) {
    char c = at < text.length() ? text.charAt(at++) : 0;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        return c;
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        int value = 0;
        for (int i = 0; i < 4; i++) {
          int digit = at < text.length() ? hexDigit(text.charAt(at++)) : -1;
          if (digit < 0) {
            throw broken(what + " holds a malformed \\u escape");
          }
          value = value << 4 | digit;
        }
        return (char) value;
      default:
        throw broken(what + " holds an unknown escape");
    }
  }

  private static int hexDigit(char c) {
    // Character.digit would take digits of other scripts too.
    return c < 128 ? Character.digit(c, 16) : -1;
  }

  private void expect(char wanted, String what) {
    char next = peek();
    if (next != wanted) {
      throw broken(
          "expected '"
              + wanted
              + "' for "
              + what
              + " but found "
              + (at == text.length() ? "the end" : FileBytes.quote(text.substring(at, at + 1))));
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
}
