package org.snmf4j.interpret.report;

import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;

/** JSON escapes that leave no character of markup, so that JSON may stand inside HTML. */
final class MarkupEscapes extends CharacterEscapes {
  private static final long serialVersionUID = 1L;

  @Override
  public int[] getEscapeCodesForAscii() {
    int[] escapes = standardAsciiEscapesForJSON();
    escapes['<'] = ESCAPE_STANDARD;
    escapes['>'] = ESCAPE_STANDARD;
    escapes['&'] = ESCAPE_STANDARD;
    return escapes;
  }

  @Override
  public SerializableString getEscapeSequence(int character) {
    return null;
  }
}
