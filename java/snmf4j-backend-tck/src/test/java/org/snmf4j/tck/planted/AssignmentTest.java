package org.snmf4j.tck.planted;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class AssignmentTest {
  @Test
  void knownAnswer() {
    // Taking the least of every row in turn would cost 1 + 5 + 9.
    double[][] cost = {{1, 2, 3}, {2, 4, 6}, {3, 6, 9}};
    assertArrayEquals(new int[] {2, 1, 0}, Assignment.solve(cost));
  }

  @Test
  void moreColumnsThanRows() {
    double[][] cost = {{5, 1, 4, 1.5}, {5, 0, 4, 3}};
    assertArrayEquals(new int[] {3, 1}, Assignment.solve(cost));
  }

  @Test
  void costIsThatOfTheBestOfAllAssignments() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 2000; round++) {
      int rows = random.nextInt(1, 6);
      int columns = rows + random.nextInt(0, 3);
      double[][] cost = new double[rows][columns];
      for (double[] row : cost) {
        // Every other round has small whole numbers, so that many assignments tie.
        boolean ties = round % 2 == 0;
        Arrays.setAll(row, c -> ties ? random.nextInt(-2, 3) : random.nextDouble(-1, 1));
      }
      int[] found = Assignment.solve(cost);
      assertEquals(rows, Arrays.stream(found).distinct().count(), "a column is taken twice");
      double total = 0;
      for (int i = 0; i < rows; i++) {
        total += cost[i][found[i]];
      }
      // Sums of at most five numbers below 2.
      assertEquals(least(cost, 0, new boolean[columns]), total, 1e-12);
    }
  }

  @Test
  void ranksAsLargeAsUsedAreQuick() {
    SplittableRandom random = new SplittableRandom(2);
    double[][] cost = new double[400][1200];
    double bound = 0;
    for (double[] row : cost) {
      Arrays.setAll(row, c -> random.nextDouble());
      bound += Arrays.stream(row).min().orElseThrow();
    }
    int[] found = Assignment.solve(cost);
    assertEquals(400, Arrays.stream(found).distinct().count());
    double total = 0;
    for (int i = 0; i < 400; i++) {
      total += cost[i][found[i]];
    }
    assertTrue(total >= bound - 1e-9);
    // It is 1.07 times the bound; taking the least free column of each row in turn gives 1.17.
    assertTrue(total <= 1.1 * bound, "total " + total + ", lower bound " + bound);
  }

  private static double least(double[][] cost, int row, boolean[] taken) {
    if (row == cost.length) {
      return 0;
    }
    double best = Double.POSITIVE_INFINITY;
    for (int c = 0; c < taken.length; c++) {
      if (!taken[c]) {
        taken[c] = true;
        best = Math.min(best, cost[row][c] + least(cost, row + 1, taken));
        taken[c] = false;
      }
    }
    return best;
  }
}
