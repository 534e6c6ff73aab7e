package org.snmf4j;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.snmf4j.error.InvalidArgumentException;

/** The rules for a model's attributes, the same when they are given and when they are read. */
final class Attributes {
  static final int MAX_COUNT = 64;
  static final int MAX_LENGTH = 4096;

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,63}");

  private Attributes() {}

  /**
   * An immutable copy, sorted by name.
   *
   * @throws InvalidArgumentException naming the first attribute that breaks a rule
   */
  static Map<String, String> checked(Map<String, String> attributes) {
    Map<String, String> copy = new TreeMap<>();
    attributes.forEach((name, value) -> copy.put(checkedName(name), checkedValue(name, value)));
    if (copy.size() > MAX_COUNT) {
      throw new InvalidArgumentException(
          "number of attributes", copy.size(), "at most " + MAX_COUNT);
    }
    return Collections.unmodifiableMap(copy);
  }

  private static String checkedName(String name) {
    if (name == null || !NAME.matcher(name).matches()) {
      throw new InvalidArgumentException(
          "attribute name",
          name == null ? null : "'" + name + "'",
          "1 to 64 of a-z, 0-9 and _, the first a letter");
    }
    return name;
  }

  private static String checkedValue(String name, String value) {
    String what = "attribute " + name;
    if (value == null || value.isEmpty() || value.length() > MAX_LENGTH) {
      throw new InvalidArgumentException(
          what,
          value == null ? null : "of length " + value.length(),
          "between 1 and " + MAX_LENGTH + " characters long");
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(value)) {
      throw new InvalidArgumentException(
          what, "text with an unpaired surrogate", "free of unpaired surrogates");
    }
    return value;
  }
}
