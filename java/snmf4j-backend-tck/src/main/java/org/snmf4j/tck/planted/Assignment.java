package org.snmf4j.tck.planted;

import java.util.Arrays;

/**
 * The linear assignment problem: every row gets a column of its own so that the total cost is
 * least. Shortest augmenting paths with potentials, O(rows² · columns) (Kuhn 1955, Jonker and
 * Volgenant 1987).
 */
final class Assignment {
  private final double[][] cost;
  private final int rows;
  private final int columns;
  private final double[] rowPotential;
  private final double[] columnPotential;

  /** Row of a column, −1 while it is free. */
  private final int[] owner;

  private Assignment(double[][] cost) {
    this.cost = cost;
    rows = cost.length;
    columns = cost[0].length;
    rowPotential = new double[rows];
    columnPotential = new double[columns];
    owner = new int[columns];
    Arrays.fill(owner, -1);
  }

  /**
   * The column of every row.
   *
   * @param cost {@code [rows][columns]}, finite; no more rows than columns, at least one row
   */
  static int[] solve(double[][] cost) {
    Assignment assignment = new Assignment(cost);
    for (int row = 0; row < cost.length; row++) {
      assignment.augment(row);
    }
    int[] result = new int[cost.length];
    for (int column = 0; column < assignment.columns; column++) {
      if (assignment.owner[column] >= 0) {
        result[assignment.owner[column]] = column;
      }
    }
    return result;
  }

  /** Gives {@code start} a column along the shortest path of reduced costs to a free one. */
  private void augment(int start) {
    double[] distance = new double[columns];
    int[] from = new int[columns];
    boolean[] settled = new boolean[columns];
    Arrays.fill(distance, Double.POSITIVE_INFINITY);
    int row = start;
    int reached = -1;
    double length = 0;
    int column;
    do {
      for (int c = 0; c < columns; c++) {
        double through = length + cost[row][c] - rowPotential[row] - columnPotential[c];
        if (!settled[c] && through < distance[c]) {
          distance[c] = through;
          from[c] = reached;
        }
      }
      column = nearest(distance, settled);
      settled[column] = true;
      length = distance[column];
      reached = column;
      row = owner[column];
    } while (row >= 0);
    rowPotential[start] += length;
    for (int c = 0; c < columns; c++) {
      if (settled[c] && c != column) {
        rowPotential[owner[c]] += length - distance[c];
        columnPotential[c] -= length - distance[c];
      }
    }
    while (column >= 0) {
      int before = from[column];
      owner[column] = before < 0 ? start : owner[before];
      column = before;
    }
  }

  private static int nearest(double[] distance, boolean[] settled) {
    int best = -1;
    for (int c = 0; c < distance.length; c++) {
      if (!settled[c] && (best < 0 || distance[c] < distance[best])) {
        best = c;
      }
    }
    return best;
  }
}
