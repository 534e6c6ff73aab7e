package org.snmf4j.onnx.activations;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.FileAccessException;
import org.snmf4j.error.FileFormatException;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.SnmfException;
import org.snmf4j.io.NpyFile;
import org.snmf4j.matrix.Matrix;

class ActivationStoreTest {
  private static final int TOKENS = 5;
  private static final int WIDTH = 3;
  private static final ModelSource MODEL = new ModelSource("model.onnx", "ab".repeat(32));

  @TempDir Path directory;

  private static TokenTable tokens() {
    TokenTable.Builder table = new TokenTable.Builder();
    table.addSentence("Grüße 😀", "greeting");
    table.addSentence(null, null);
    for (int i = 0; i < TOKENS; i++) {
      table.addToken(
          10 + i, i < 3 ? "pïece😀" : null, i < 3 ? i : -1, i < 3 ? i + 1 : -1, i / 3, i % 3 + 1);
    }
    return table.build();
  }

  private static float value(Site site, int layer, int token, int neuron) {
    return site.ordinal() * 1000 + layer * 100 + token * 10 + neuron + 0.5f;
  }

  private static void fill(ActivationStoreWriter writer, Site site, int layer, int width) {
    // Out of order and in stretches, as batches come.
    for (int[] stretch : new int[][] {{3, 2}, {0, 1}, {1, 2}}) {
      float[] values = new float[7 + stretch[1] * width];
      for (int i = 0; i < stretch[1]; i++) {
        for (int j = 0; j < width; j++) {
          values[7 + i * width + j] = value(site, layer, stretch[0] + i, j);
        }
      }
      writer.write(site, layer, width, stretch[0], values, 7, stretch[1]);
    }
  }

  private ActivationStore write(String name) {
    return write(directory.resolve(name));
  }

  private static ActivationStore write(Path target) {
    try (ActivationStoreWriter writer = ActivationStoreWriter.create(target, MODEL, tokens())) {
      fill(writer, Site.RESIDUAL, 2, 2);
      fill(writer, Site.MLP, 10, WIDTH);
      fill(writer, Site.MLP, 2, WIDTH);
      return writer.commit();
    }
  }

  private List<String> names(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void whatIsWrittenIsRead() throws Exception {
    write("store");
    ActivationStore store = ActivationStore.open(directory.resolve("store"));
    assertEquals(List.of(Site.MLP, Site.RESIDUAL), store.sites());
    assertEquals(List.of(2, 10), store.layers(Site.MLP));
    assertEquals(List.of(2), store.layers(Site.RESIDUAL));
    assertEquals(List.of(), store.layers(Site.MLP_OUT));
    assertEquals(MODEL, store.model());
    for (Site site : store.sites()) {
      for (int layer : store.layers(site)) {
        try (ActivationSet set = store.load(site, layer)) {
          assertEquals(site, set.site());
          assertEquals(layer, set.layer());
          Matrix matrix = set.matrix();
          assertEquals(site == Site.MLP ? WIDTH : 2, matrix.rows());
          assertEquals(TOKENS, matrix.columns());
          for (int token = 0; token < TOKENS; token++) {
            for (int neuron = 0; neuron < matrix.rows(); neuron++) {
              assertEquals(value(site, layer, token, neuron), matrix.get(neuron, token));
            }
          }
        }
      }
    }
    TokenTable expected = tokens();
    TokenTable read = store.tokens();
    assertEquals(expected.sentences(), read.sentences());
    assertEquals(TOKENS, read.size());
    for (int i = 0; i < TOKENS; i++) {
      assertEquals(expected.id(i), read.id(i));
      assertEquals(expected.piece(i), read.piece(i));
      assertEquals(expected.start(i), read.start(i));
      assertEquals(expected.end(i), read.end(i));
      assertEquals(expected.sentence(i), read.sentence(i));
      assertEquals(expected.position(i), read.position(i));
      assertEquals(expected.label(i), read.label(i));
    }
    assertTrue(read.isLabelled());
    assertNull(read.piece(4));
    assertEquals(List.of("store"), names(directory));
  }

  @Test
  void exportsColumnsPerToken() throws Exception {
    ActivationStore store = write("store");
    List<Path> files = store.exportNpy(store.directory());
    assertEquals(
        List.of("mlp.2.npy", "mlp.10.npy", "residual.2.npy"),
        files.stream().map(file -> file.getFileName().toString()).toList());
    try (Matrix matrix = NpyFile.read(store.directory().resolve("mlp.10.npy"))) {
      assertEquals(WIDTH, matrix.rows());
      assertEquals(TOKENS, matrix.columns());
      assertTrue(matrix.isRowMajor());
      assertEquals(value(Site.MLP, 10, 4, 1), matrix.get(1, 4));
    }
    // A store with its exports can still be read and replaced.
    write("store");
    assertFalse(Files.exists(store.directory().resolve("mlp.10.npy")));
  }

  @Test
  void storesAndEmptyDirectoriesAreReplaced() throws Exception {
    Files.createDirectory(directory.resolve("store"));
    write("store");
    write("store");
    assertEquals(List.of("store"), names(directory));
    assertEquals(
        List.of(
            "manifest.json",
            "mlp.10.safetensors",
            "mlp.2.safetensors",
            "residual.2.safetensors",
            "tokens.json"),
        names(directory.resolve("store")));
  }

  @Test
  void symbolicLinksAreFollowed() throws Exception {
    Path real = Files.createDirectory(directory.resolve("real"));
    Path link = Files.createSymbolicLink(directory.resolve("link"), real);
    write(link);
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.exists(real.resolve("manifest.json")));
  }

  @Test
  void otherDirectoriesAreNotReplaced() throws Exception {
    Path full = Files.createDirectory(directory.resolve("full"));
    Files.writeString(full.resolve("thesis.tex"), "precious");
    assertRefused(full, "thesis.tex and no activation store");
    Files.delete(full.resolve("thesis.tex"));
    write(full);
    Files.writeString(full.resolve("notes.txt"), "precious");
    assertRefused(full, "an activation store that also holds notes.txt");
    Path file = Files.writeString(directory.resolve("file"), "precious");
    assertRefused(file, "a file");
    assertEquals("precious", Files.readString(file));
    assertEquals("precious", Files.readString(full.resolve("notes.txt")));
  }

  private void assertRefused(Path target, String message) {
    InvalidArgumentException e = assertThrows(InvalidArgumentException.class, () -> write(target));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertTrue(e.getMessage().contains(target.toString()), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"file/store, is not a directory", "missing/store, does not exist"})
  void directoriesThatCannotBe(String name, String message) throws Exception {
    Files.writeString(directory.resolve("file"), "");
    FileAccessException e = assertThrows(FileAccessException.class, () -> write(name));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertEquals(List.of("file"), names(directory));
  }

  @Test
  void theFileSystemsRefusal() throws Exception {
    // /proc is a directory in which nobody, root included, can create one.
    Path proc = Path.of("/proc");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.isDirectory(proc));
    FileAccessException e =
        assertThrows(FileAccessException.class, () -> write(proc.resolve("store")));
    assertTrue(e.getMessage().contains("/proc/store"), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 40, 110, 140})
  void aFullDiskLeavesNothingBehind(int room) throws Exception {
    Path target = directory.resolve("store");
    ActivationStoreWriter writer =
        ActivationStoreWriter.create(target, MODEL, tokens(), file -> new Full(file, room));
    FileAccessException e =
        assertThrows(
            FileAccessException.class,
            () -> {
              fill(writer, Site.MLP, 0, WIDTH);
              writer.commit();
            });
    assertTrue(e.getMessage().contains("No space left on device"), e.getMessage());
    writer.close();
    assertEquals(List.of(), names(directory));
  }

  @Test
  void aFullDiskLeavesTheOldStore() throws Exception {
    ActivationStore old = write("store");
    ActivationStoreWriter writer =
        ActivationStoreWriter.create(
            old.directory(), MODEL, tokens(), file -> new Full(file, Long.MAX_VALUE));
    fill(writer, Site.MLP_OUT, 0, WIDTH);
    assertThrows(FileAccessException.class, writer::commit);
    assertEquals(List.of("store"), names(directory));
    try (ActivationSet set = ActivationStore.open(old.directory()).load(Site.MLP, 2)) {
      assertEquals(value(Site.MLP, 2, 0, 0), set.matrix().get(0, 0));
    }
  }

  /** A file on a disk with little room left, which also fails to reach the disk. */
  private static final class Full implements RowFile.Target {
    private final RowFile.Target file;
    private final long room;

    Full(Path path, long room) throws IOException {
      this.file = RowFile.open(path);
      this.room = room;
    }

    @Override
    public void write(ByteBuffer bytes, long position) throws IOException {
      if (position + bytes.remaining() > room) {
        throw new IOException("No space left on device");
      }
      file.write(bytes, position);
    }

    @Override
    public void force() throws IOException {
      throw new IOException("No space left on device");
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  @Test
  void whatIsNotCommittedVanishes() throws Exception {
    ActivationStoreWriter writer =
        ActivationStoreWriter.create(directory.resolve("store"), MODEL, tokens());
    fill(writer, Site.MLP, 0, WIDTH);
    assertEquals(1, names(directory).size());
    writer.close();
    writer.close();
    assertEquals(List.of(), names(directory));
    assertThrows(ClosedException.class, writer::commit);
    assertThrows(ClosedException.class, () -> fill(writer, Site.MLP, 0, WIDTH));
  }

  @Test
  void incompleteStoresAreNotCommitted() throws Exception {
    try (ActivationStoreWriter writer =
        ActivationStoreWriter.create(directory.resolve("store"), MODEL, tokens())) {
      assertThrows(IllegalStateException.class, writer::commit);
      writer.write(Site.MLP, 0, WIDTH, 0, new float[2 * WIDTH], 0, 2);
      IllegalStateException e = assertThrows(IllegalStateException.class, writer::commit);
      assertTrue(e.getMessage().contains("2 rows instead of 5"), e.getMessage());
    }
    assertEquals(List.of(), names(directory));
  }

  @Test
  void rowsThatDoNotFit() {
    try (ActivationStoreWriter writer =
        ActivationStoreWriter.create(directory.resolve("store"), MODEL, tokens())) {
      float[] values = new float[100];
      assertArgument("tokens", () -> writer.write(Site.MLP, 0, 3, 4, values, 0, 2));
      assertArgument("tokens", () -> writer.write(Site.MLP, 0, 3, -1, values, 0, 2));
      writer.write(Site.MLP, 0, 3, 0, values, 0, 2);
      assertArgument("dimension", () -> writer.write(Site.MLP, 0, 4, 2, values, 0, 2));
    }
    TokenTable none = new TokenTable.Builder().build();
    assertArgument(
        "tokens", () -> ActivationStoreWriter.create(directory.resolve("store"), MODEL, none));
  }

  private static void assertArgument(
      String argument, org.junit.jupiter.api.function.Executable call) {
    assertEquals(argument, assertThrows(InvalidArgumentException.class, call).argument());
  }

  @Test
  void whatAStoreDoesNotHave() {
    ActivationStore store = write("store");
    InvalidArgumentException site =
        assertThrows(InvalidArgumentException.class, () -> store.load(Site.MLP_OUT, 2));
    assertTrue(site.getMessage().contains("mlp_out"), site.getMessage());
    assertTrue(site.getMessage().contains("mlp, residual"), site.getMessage());
    InvalidArgumentException layer =
        assertThrows(InvalidArgumentException.class, () -> store.load(Site.MLP, 3));
    assertTrue(layer.getMessage().contains("layer is 3"), layer.getMessage());
    assertTrue(layer.getMessage().contains("[2, 10]"), layer.getMessage());
  }

  static Stream<Arguments> damage() {
    return Stream.of(
        Arguments.of("manifest.json", "", "", "its format is not"),
        Arguments.of("manifest.json", null, "", "no activation store"),
        Arguments.of("manifest.json", "\"version\" : 1", "\"version\" : 2", "version is 2"),
        Arguments.of("manifest.json", "\"tokens\" : 5", "\"tokens\" : 6", "5 elements"),
        Arguments.of("manifest.json", "\"tokens\" : 5", "\"tokens\" : 4", "more elements"),
        Arguments.of("manifest.json", "\"tokens\" : 5", "\"tokens\" : 0", "at least 1"),
        Arguments.of("manifest.json", "\"labelled\" : true", "\"labelled\" : false", "'labelled'"),
        Arguments.of("manifest.json", "\"labelled\" : true", "\"labelled\" : 1", "'labelled'"),
        Arguments.of("manifest.json", "\"site\" : \"mlp\"", "\"site\" : \"mpl\"", "mpl"),
        Arguments.of("manifest.json", "mlp.2.safe", "../mlp.2.safe", "'file' is"),
        Arguments.of("manifest.json", "\"layer\" : 10", "\"layer\" : -1", "at least 0"),
        Arguments.of("manifest.json", "\"sha256\"", "\"sha\"", "'sha256' is missing"),
        Arguments.of("manifest.json", "\"activations\"", "\"activation\"", "missing or empty"),
        Arguments.of("manifest.json", "snmf4j-act", "other-act", "its format is not"),
        Arguments.of("tokens.json", null, "", "missing from its activation store"),
        Arguments.of("tokens.json", "", "", "the top level is missing"),
        Arguments.of("tokens.json", "\"piece\"", "\"pieces\"", "field 'piece'"),
        Arguments.of("tokens.json", "\"id\":[10,", "\"id\":[-10,", "id 0 is -10"),
        Arguments.of("tokens.json", "\"id\":[10,", "\"id\":[1.5,", "id 0 is VALUE_NUMBER_FLOAT"),
        Arguments.of("tokens.json", "\"id\":[10,", "\"id\":[99999999999,", "malformed"),
        Arguments.of("tokens.json", "\"sentence\":[0,", "\"sentence\":[2,", "sentence 0 is 2"),
        Arguments.of("tokens.json", "\"greeting\"", "7", "label is VALUE_NUMBER_INT"),
        Arguments.of("tokens.json", "3,1,2]}", "3,1,2]} {}", "goes on after its end"),
        Arguments.of("tokens.json", "3,1,2]}", "3,1,", "malformed or cut short"),
        Arguments.of("mlp.2.safetensors", null, "", "missing from its activation store"),
        Arguments.of("mlp.2.safetensors", "", "", "mlp.2.safetensors"),
        Arguments.of("mlp.2.safetensors", "[5,3]", "[3,5]", "its shape is [3, 5]"),
        Arguments.of("mlp.2.safetensors", "[5,3]", "[5,4]", "mlp.2.safetensors"),
        Arguments.of("mlp.2.safetensors", "\"F32\"", "\"F33\"", "mlp.2.safetensors"),
        Arguments.of("mlp.2.safetensors", "\"activations\"", "\"activation5\"", "activation5"));
  }

  /** {@code find} null deletes the file, empty empties it. */
  @ParameterizedTest
  @MethodSource
  void damage(String name, String find, String replacement, String message) throws Exception {
    ActivationStore store = write("store");
    Path file = store.directory().resolve(name);
    if (find == null) {
      Files.delete(file);
    } else if (find.isEmpty()) {
      Files.write(file, new byte[0]);
    } else {
      String latin1 =
          new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1);
      assertTrue(latin1.contains(find), latin1);
      Files.write(
          file,
          latin1.replace(find, replacement).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }
    FileFormatException e =
        assertThrows(
            FileFormatException.class,
            () -> ActivationStore.open(store.directory()).load(Site.MLP, 2).close());
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertTrue(e.getMessage().contains("store"), e.getMessage());
  }

  @Test
  void truncatedActivations() throws Exception {
    ActivationStore store = write("store");
    Path file = store.directory().resolve("mlp.2.safetensors");
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {1, 7, 8, 9, 60, whole.length - 61, whole.length - 1}) {
      Files.write(file, java.util.Arrays.copyOf(whole, length));
      assertThrows(FileFormatException.class, () -> store.load(Site.MLP, 2), "cut at " + length);
    }
    Files.write(file, java.util.Arrays.copyOf(whole, whole.length + 4));
    assertThrows(FileFormatException.class, () -> store.load(Site.MLP, 2));
  }

  @Test
  void whatIsNoDirectory() throws Exception {
    SnmfException missing =
        assertThrows(
            FileAccessException.class, () -> ActivationStore.open(directory.resolve("none")));
    assertTrue(missing.getMessage().contains("does not exist"), missing.getMessage());
    Path file = Files.writeString(directory.resolve("file"), "");
    SnmfException notDirectory =
        assertThrows(FileAccessException.class, () -> ActivationStore.open(file));
    assertTrue(notDirectory.getMessage().contains("not a directory"), notDirectory.getMessage());
  }

  @Test
  void wideRowsGoThroughTheBuffer() throws Exception {
    int width = 400_000;
    TokenTable.Builder table = new TokenTable.Builder();
    table.addSentence("a", null);
    for (int i = 0; i < 3; i++) {
      table.addToken(i, "a", 0, 1, 0, i);
    }
    float[] values = new float[3 * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    Path target = directory.resolve("store");
    try (ActivationStoreWriter writer =
        ActivationStoreWriter.create(target, MODEL, table.build())) {
      writer.write(Site.MLP, 0, width, 0, values, 0, 3);
      try (ActivationSet set = writer.commit().load(Site.MLP, 0)) {
        float[] row = new float[width];
        set.matrix().transpose().readRow(2, 0, row, 0, width);
        assertArrayEquals(java.util.Arrays.copyOfRange(values, 2 * width, 3 * width), row);
      }
    }
  }

  @Test
  void digestsOfModels() throws Exception {
    Path model = Files.writeString(directory.resolve("a.onnx"), "abc");
    assertEquals(
        new ModelSource(
            "a.onnx", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ModelSource.of(model));
    assertThrows(
        FileAccessException.class, () -> ModelSource.of(directory.resolve("missing.onnx")));
  }
}
