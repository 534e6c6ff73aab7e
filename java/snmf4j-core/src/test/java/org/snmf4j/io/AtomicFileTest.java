package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.matrix.Matrix;

class AtomicFileTest {
  @TempDir Path directory;

  private List<String> listing() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static String refusal(Path target) {
    return assertThrows(FileAccessException.class, () -> AtomicFile.writeString(target, "x"))
        .getMessage();
  }

  private static void half(FileChannel channel) throws IOException {
    channel.write(ByteBuffer.wrap(new byte[1000]));
  }

  @Test
  void writesAndReplaces() throws IOException {
    Path file = directory.resolve("größe €.json");
    AtomicFile.writeString(file, "first: ä€😀");
    assertEquals("first: ä€😀", Files.readString(file));
    AtomicFile.writeString(file, new StringBuilder("second"));
    assertEquals("second", Files.readString(file));
    AtomicFile.write(file, channel -> {});
    assertEquals(0, Files.size(file));
    assertEquals(1, listing().size());
  }

  @Test
  void theTargetAppearsOnlyAtTheEnd() throws IOException {
    Path file = directory.resolve("a");
    AtomicFile.write(
        file,
        channel -> {
          half(channel);
          List<String> during = listing();
          assertEquals(1, during.size());
          assertTrue(during.get(0).matches("\\.snmf4j-[0-9a-f]{16}\\.tmp"), during.get(0));
        });
    assertEquals(List.of("a"), listing());
    assertArrayEquals(new byte[1000], Files.readAllBytes(file));
  }

  @Test
  void namesOfFullLengthWork() throws IOException {
    Path file = directory.resolve("n".repeat(255));
    AtomicFile.writeString(file, "x");
    assertEquals("x", Files.readString(file));
  }

  @Test
  void othersMayReadWhatTheUsersMaskAllows() throws IOException {
    Path plain = Files.writeString(directory.resolve("plain"), "x");
    Path atomic = directory.resolve("atomic");
    AtomicFile.writeString(atomic, "x");
    assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(atomic));
  }

  @Test
  void aRelativeTargetIsFound() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    AtomicFile.writeString(here.relativize(directory.toAbsolutePath()).resolve("r"), "x");
    assertEquals(List.of("r"), listing());
  }

  @Test
  void afterAnyFailureOnlyTheOldFileIsLeft() throws IOException {
    Path file = Files.writeString(directory.resolve("a"), "old");
    IOException broken = new IOException("the disk is gone");
    FileAccessException thrown =
        assertThrows(
            FileAccessException.class,
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      half(channel);
                      throw broken;
                    }));
    assertEquals("cannot write " + file + ": IOException: the disk is gone", thrown.getMessage());
    assertSame(broken, thrown.getCause());

    IllegalStateException mistake = new IllegalStateException();
    assertSame(
        mistake,
        assertThrows(
            IllegalStateException.class,
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      half(channel);
                      throw mistake;
                    })));
    StackOverflowError error = new StackOverflowError();
    assertSame(
        error,
        assertThrows(
            StackOverflowError.class,
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      throw error;
                    })));
    assertEquals("old", Files.readString(file));
    assertEquals(List.of("a"), listing());
  }

  @Test
  void aWriterThatClosesTheChannelIsAFailure() throws IOException {
    Path file = directory.resolve("a");
    assertThrows(
        FileAccessException.class,
        () ->
            AtomicFile.write(
                file,
                channel -> {
                  half(channel);
                  channel.close();
                }));
    assertEquals(List.of(), listing());
  }

  @Test
  void anInterruptedWriterLeavesNothing() throws IOException {
    Path file = directory.resolve("a");
    Thread.currentThread().interrupt();
    FileAccessException thrown =
        assertThrows(FileAccessException.class, () -> AtomicFile.writeString(file, "x"));
    assertTrue(Thread.interrupted(), "the interrupt stays visible");
    assertInstanceOf(ClosedByInterruptException.class, thrown.getCause());
    assertEquals(List.of(), listing());
  }

  @Test
  void matricesThatFailHalfWayLeaveNothing() throws IOException {
    Path npy = Files.writeString(directory.resolve("a.npy"), "old");
    Matrix closed = Matrix.of(new double[][] {{1, 2}});
    closed.close();
    assertThrows(ClosedException.class, () -> NpyFile.write(npy, closed));
    try (Matrix large = Matrix.of(new double[][] {{1, Double.NEGATIVE_INFINITY}, {2, -1e39}})) {
      assertEquals(
          "Z[1, 1] is -1.0E39 but must be at most 3.4028235E38 in magnitude to be written as"
              + " float32",
          assertThrows(
                  InvalidArgumentException.class,
                  () -> new SafeTensorsWriter().add("Z", large).write(npy))
              .getMessage());
    }
    assertEquals("old", Files.readString(npy));
    assertEquals(List.of("a.npy"), listing());
  }

  @Test
  void aMissingDirectoryIsNamed() {
    Path target = directory.resolve("missing").resolve("a");
    assertEquals(
        "cannot write "
            + target
            + ": NoSuchFileException: "
            + target.getParent()
            + ": directory does not exist",
        refusal(target));
    assertFalse(Files.exists(target.getParent()));
  }

  @Test
  void aFileInPlaceOfTheDirectoryIsNamed() throws IOException {
    Path parent = Files.writeString(directory.resolve("file"), "old");
    assertEquals(
        "cannot write "
            + parent.resolve("a")
            + ": FileSystemException: "
            + parent
            + ": is not a directory",
        refusal(parent.resolve("a")));
    assertEquals("old", Files.readString(parent));
  }

  @Test
  void aDirectoryIsNotReplaced() throws IOException {
    Path empty = Files.createDirectory(directory.resolve("empty"));
    assertEquals(
        "cannot write " + empty + ": FileSystemException: " + empty + ": is a directory",
        refusal(empty));
    assertTrue(Files.isDirectory(empty));
    assertEquals(List.of("empty"), listing());
    assertEquals("cannot write /: FileSystemException: /: is a directory", refusal(Path.of("/")));
  }

  @Test
  void symbolicLinksAreFollowed() throws IOException {
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    Path real = Files.writeString(elsewhere.resolve("real"), "old");
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    AtomicFile.writeString(link, "new");
    assertTrue(Files.isSymbolicLink(link));
    assertEquals("new", Files.readString(real));

    Path dangling = directory.resolve("dangling");
    Files.createSymbolicLink(dangling, Path.of("elsewhere/later"));
    AtomicFile.writeString(dangling, "made");
    assertEquals("made", Files.readString(elsewhere.resolve("later")));
    assertTrue(Files.isSymbolicLink(dangling));

    Path loop = directory.resolve("loop");
    Files.createSymbolicLink(loop, Path.of("loop"));
    assertEquals("cannot write " + loop + ": FileSystemLoopException: " + loop, refusal(loop));
    Path chain = directory.resolve("chain");
    Files.createSymbolicLink(chain, link);
    AtomicFile.writeString(chain, "through two links");
    assertEquals("through two links", Files.readString(real));
    assertEquals(List.of("chain", "dangling", "elsewhere", "link", "loop"), listing());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void devicesAreNotReplaced() throws IOException {
    assertEquals(
        "cannot write /dev/full: FileSystemException: /dev/full: is not a regular file",
        refusal(Path.of("/dev/full")));
    assertFalse(Files.isRegularFile(Path.of("/dev/full")));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aDirectoryThatTakesNoFilesIsNamed() {
    // Whoever runs the tests, even root: nobody creates files in /proc.
    String message = refusal(Path.of("/proc/snmf4j.npy"));
    assertTrue(message.startsWith("cannot write /proc/snmf4j.npy: "), message);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullDiskLeavesNothing() throws IOException {
    Path file = directory.resolve("a.npy");
    FileAccessException thrown =
        assertThrows(
            FileAccessException.class,
            () ->
                AtomicFile.write(
                    file,
                    channel -> {
                      half(channel);
                      try (FileChannel full =
                          FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE)) {
                        half(full);
                      }
                    }));
    assertEquals(
        "cannot write " + file + ": IOException: No space left on device", thrown.getMessage());
    assertEquals(List.of(), listing());
  }

  @Test
  void writersOfOneTargetDoNotMix() throws Exception {
    Path file = directory.resolve("a");
    Thread[] threads = new Thread[4];
    for (int t = 0; t < threads.length; t++) {
      String text = String.valueOf((char) ('a' + t)).repeat(10_000);
      threads[t] =
          new Thread(
              () -> {
                for (int i = 0; i < 20; i++) {
                  AtomicFile.writeString(file, text);
                }
              });
      threads[t].start();
    }
    boolean running = true;
    while (running) {
      running = Stream.of(threads).anyMatch(Thread::isAlive);
      if (Files.exists(file)) {
        String seen = Files.readString(file);
        assertEquals(seen.substring(0, 1).repeat(10_000), seen);
      }
    }
    assertEquals(List.of("a"), listing());
  }
}
