package org.snmf4j.benchmarks.real;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;

/**
 * The sentences of a directory of text files, as Java's rules for English tell them apart.
 *
 * @param sentences in the order of the files' names and of the text
 * @param files number of files
 * @param bytes size of all files together
 */
record PublicText(List<String> sentences, int files, long bytes) {
  /** Shorter ones are headings and interjections. */
  private static final int SHORTEST = 20;

  /** Reads all {@code .txt} files of a directory, which are in UTF-8. */
  static PublicText read(Path directory) {
    List<String> sentences = new ArrayList<>();
    long bytes = 0;
    List<Path> files;
    try (Stream<Path> listed = Files.list(directory)) {
      files =
          listed
              .filter(file -> file.toString().endsWith(".txt"))
              .sorted(Comparator.comparing(file -> file.getFileName().toString()))
              .toList();
      for (Path file : files) {
        bytes += Files.size(file);
        split(Files.readString(file), sentences);
      }
    } catch (IOException e) {
      throw new FileAccessException("read", directory, e);
    }
    if (sentences.isEmpty()) {
      throw new InvalidArgumentException("text", directory + " without sentences", ".txt files");
    }
    return new PublicText(List.copyOf(sentences), files.size(), bytes);
  }

  private static void split(String text, List<String> sentences) {
    BreakIterator borders = BreakIterator.getSentenceInstance(Locale.ENGLISH);
    borders.setText(text);
    int from = borders.first();
    for (int to = borders.next(); to != BreakIterator.DONE; to = borders.next()) {
      String sentence = text.substring(from, to).strip();
      if (sentence.length() >= SHORTEST) {
        sentences.add(sentence);
      }
      from = to;
    }
  }
}
