package org.snmf4j.interpret.contexts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrongestTokensTest {
  @ParameterizedTest
  @CsvSource({"1, 50, 1000", "10, 5, 1000", "10, 1, 100", "64, 40, 64", "7, 3, 5"})
  void keepsWhatSortingWouldKeep(int capacity, int distinctValues, int count) {
    Random random = new Random(count);
    double[] values = random.ints(count, 0, distinctValues).asDoubleStream().toArray();
    int[] expected =
        IntStream.range(0, count)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -values[i]).thenComparing(i -> i))
            .limit(capacity)
            .mapToInt(i -> i)
            .toArray();
    StrongestTokens strongest = new StrongestTokens(capacity);
    for (int round = 0; round < 2; round++) {
      strongest.clear();
      for (int i = 0; i < count; i++) {
        strongest.offer(i, values[i]);
      }
      assertArrayEquals(expected, strongest.drain());
    }
  }

  @ParameterizedTest
  @CsvSource({"ascending, 9 8 7", "descending, 0 1 2"})
  void worstOrders(String order, String expected) {
    StrongestTokens strongest = new StrongestTokens(3);
    for (int i = 0; i < 10; i++) {
      strongest.offer(i, order.equals("ascending") ? i : -i);
    }
    String kept =
        String.join(" ", IntStream.of(strongest.drain()).mapToObj(String::valueOf).toList());
    assertEquals(expected, kept);
  }
}
