package org.snmf4j.error;

/** An argument lies outside its limits. */
public class InvalidArgumentException extends SnmfException {
  private static final long serialVersionUID = 1L;

  private final String argument;

  /**
   * @param argument name of the argument, as the caller knows it
   * @param value the value found
   * @param limit what is allowed, for instance {@code "between 1 and 384"}
   */
  public InvalidArgumentException(String argument, Object value, String limit) {
    super(argument + " is " + value + " but must be " + limit);
    this.argument = argument;
  }

  /** Name of the offending argument. */
  public String argument() {
    return argument;
  }
}
