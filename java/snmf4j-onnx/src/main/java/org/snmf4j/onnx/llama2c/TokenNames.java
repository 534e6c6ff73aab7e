package org.snmf4j.onnx.llama2c;

import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.snmf4j.error.FileFormatException;

/**
 * Names of a llama2.c vocabulary's tokens in a tokenizer JSON, where every name is a key.
 *
 * <p>Equal strings with different ids need different names: byte tokens are called {@code <0xHH>},
 * by which name the library's byte fallback looks for them, and others that text never yields get a
 * mark before their string. Some ids need a second name: a merge's result is called by its parts'
 * names one after the other, and older tokenizers merge byte tokens as if they were the characters
 * of their numbers.
 */
final class TokenNames {
  /** Begins and ends marks. No character: Unicode keeps it for internal use. */
  static final String MARK = "\uFDD0";

  private static final String[] SPECIAL = {"<unk>", "<s>", "</s>"};

  private final Llama2cTokenizer tokenizer;
  private final Map<String, Integer> latest = new HashMap<>();
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final String[] names;
  private final BitSet mergedBytes = new BitSet(256);
  private final BitSet characterBytes = new BitSet(256);
  private boolean marked;

  TokenNames(Llama2cTokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.names = new String[tokenizer.size()];
    for (int id = 0; id < tokenizer.size(); id++) {
      latest.put(tokenizer.string(id), id);
    }
    for (int id = 0; id < tokenizer.size(); id++) {
      names[id] = name(id);
      bind(names[id], id);
    }
    for (int value = 128; value < 256; value++) {
      // A character that only its byte token spells is that token, without fallback.
      String character = Character.toString(value);
      Integer id = latest.get(character);
      if (id != null && id == Llama2cTokenizer.FIRST_BYTE + value) {
        bind(character, id);
        characterBytes.set(value);
      }
    }
  }

  private String name(int id) {
    if (id < SPECIAL.length) {
      return SPECIAL[id];
    }
    String string = tokenizer.string(id);
    boolean wins = latest.get(string) == id;
    if (id < Llama2cTokenizer.FIRST_PIECE) {
      int value = id - Llama2cTokenizer.FIRST_BYTE;
      return wins && value < 128 ? string : Llama2cTokenizer.byteName(value);
    }
    if (wins) {
      return string;
    }
    marked = true;
    return MARK + id + MARK + string;
  }

  private void bind(String name, int id) {
    Integer other = ids.putIfAbsent(name, id);
    if (other != null && other != id) {
      throw new FileFormatException(
          tokenizer.file(),
          "tokens " + other + " and " + id + " would both be called '" + name + "'");
    }
  }

  static String special(int id) {
    return SPECIAL[id];
  }

  String of(int id) {
    return names[id];
  }

  /** The id that a text of exactly these characters gets, or null. */
  Integer latest(String string) {
    return latest.get(string);
  }

  /** The token of a byte whose number is the one character of {@code string}, or -1. */
  int fallback(String string) {
    if (string.length() != 1 || string.charAt(0) < 128 || string.charAt(0) > 255) {
      return -1;
    }
    int id = Llama2cTokenizer.FIRST_BYTE + string.charAt(0);
    return tokenizer.string(id).equals(string) ? id : -1;
  }

  /** Makes sure that the parts' joined names mean {@code result}. */
  void merge(int left, int right, int result) {
    String joined = names[left] + names[right];
    if (joined.equals(names[result])) {
      return;
    }
    bind(joined, result);
    note(left);
    note(right);
  }

  private void note(int part) {
    int value = part - Llama2cTokenizer.FIRST_BYTE;
    if (value >= 128 && value < 256) {
      mergedBytes.set(value);
    }
  }

  /** All names with their ids; an id's proper name comes first. */
  Map<String, Integer> ids() {
    return ids;
  }

  /** Bytes whose names occur in names of merges. */
  BitSet mergedBytes() {
    return mergedBytes;
  }

  /** Bytes whose tokens are also called by the character of that number. */
  BitSet characterBytes() {
    return characterBytes;
  }

  /** Whether some names begin with a mark. */
  boolean marked() {
    return marked;
  }
}
