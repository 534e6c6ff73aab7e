package org.snmf4j.interpret.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A text with places <code>{{name}}</code> to be filled. */
final class Template {
  private static final Pattern PLACE = Pattern.compile("\\{\\{([a-z-]+)}}");

  private final String text;

  private Template(String text) {
    this.text = text;
  }

  /** Writes what stands in a place. */
  @FunctionalInterface
  interface Part {
    void write(Writer out) throws IOException;
  }

  /** The template in a resource beside this class. */
  static Template of(String resource) throws IOException {
    return new Template(resource(resource));
  }

  /** Text of a resource beside this class. */
  static String resource(String name) throws IOException {
    try (InputStream stream = Template.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("resource " + name + " is missing from the jar");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** A content security policy's source expression for an inline script or style. */
  static String hash(String content) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Writes the text, every place filled. */
  void write(Writer out, Map<String, Part> parts) throws IOException {
    Matcher places = PLACE.matcher(text);
    int at = 0;
    while (places.find()) {
      Part part = parts.get(places.group(1));
      if (part == null) {
        throw new IllegalStateException("nothing fills " + places.group());
      }
      out.append(text, at, places.start());
      part.write(out);
      at = places.end();
    }
    out.append(text, at, text.length());
  }
}
