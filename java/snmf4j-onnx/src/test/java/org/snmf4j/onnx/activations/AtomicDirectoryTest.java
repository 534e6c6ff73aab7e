package org.snmf4j.onnx.activations;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicDirectoryTest {
  private static final int WRITERS = 6;

  @TempDir Path directory;

  @Test
  void ofSeveralWritersOneWinsAndNothingElseIsLeft() throws Exception {
    Path target = directory.resolve("store");
    ExecutorService pool = Executors.newFixedThreadPool(WRITERS);
    try {
      for (int round = 0; round < 500; round++) {
        CyclicBarrier ready = new CyclicBarrier(WRITERS);
        List<Callable<Void>> commits = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
          AtomicDirectory written = AtomicDirectory.create(target);
          Files.writeString(written.path().resolve("file"), "content");
          commits.add(
              () -> {
                ready.await();
                written.commit();
                return null;
              });
        }
        for (Future<Void> commit : pool.invokeAll(commits)) {
          commit.get();
        }
        assertEquals("content", Files.readString(target.resolve("file")));
        try (Stream<Path> files = Files.list(directory)) {
          assertEquals(List.of(target), files.toList());
        }
      }
    } finally {
      pool.shutdown();
    }
  }
}
