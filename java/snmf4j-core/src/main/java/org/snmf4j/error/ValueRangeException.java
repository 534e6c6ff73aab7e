package org.snmf4j.error;

/** A matrix holds a finite value that is too large for the precision that it shall be stored in. */
public class ValueRangeException extends SnmfException {
  private static final long serialVersionUID = 1L;

  private final long row;
  private final long column;

  /**
   * @param argument name of the matrix, as the caller knows it
   * @param row row of the first offending element
   * @param column column of the first offending element
   * @param value the element
   * @param precision what it does not fit into
   * @param limit the largest magnitude that does
   * @param advice what the caller can do about it
   */
  public ValueRangeException(
      String argument,
      long row,
      long column,
      double value,
      String precision,
      double limit,
      String advice) {
    super(
        argument
            + " holds "
            + value
            + " at row "
            + row
            + ", column "
            + column
            + " but "
            + precision
            + " ends at "
            + limit
            + "; "
            + advice);
    this.row = row;
    this.column = column;
  }

  /** Row of the first offending element, 0-based. */
  public long row() {
    return row;
  }

  /** Column of the first offending element, 0-based. */
  public long column() {
    return column;
  }
}
