package org.snmf4j.error;

/** A matrix holds NaN or an infinity. */
public class NonFiniteValueException extends SnmfException {
  private static final long serialVersionUID = 1L;

  private final long row;
  private final long column;
  private final double value;

  /**
   * @param argument name of the matrix, as the caller knows it
   * @param row row of the first offending element
   * @param column column of the first offending element
   * @param value the element
   */
  public NonFiniteValueException(String argument, long row, long column, double value) {
    super(
        argument
            + " holds "
            + value
            + " at row "
            + row
            + ", column "
            + column
            + " but must be finite everywhere");
    this.row = row;
    this.column = column;
    this.value = value;
  }

  /** Row of the first offending element, 0-based. */
  public long row() {
    return row;
  }

  /** Column of the first offending element, 0-based. */
  public long column() {
    return column;
  }

  /** The element. */
  public double value() {
    return value;
  }
}
