package org.snmf4j.benchmarks.gpu;

/** A part of the check. */
enum Part {
  /** The kernels' own tests, on the device. */
  KERNELS(new KernelTests()),
  /** The same under compute-sanitizer. */
  SANITIZER(new Sanitizer()),
  /** The backends' conformance suite, with parity to the authors' iterates. */
  CONFORMANCE(new Conformance()),
  /** Losses against the CPU backend's, and of data that streams through the device. */
  LOSSES(new Losses()),
  /** One-pass iterations against the device's peaks. */
  SPEED(new Speed()),
  /** Whole fits. */
  FIT(new FullFit()),
  /** A million tokens, with and without a limit of device memory. */
  LARGE(new LargeFit()),
  /** Against the authors' iteration on PyTorch, on the same device. */
  AUTHORS(new AuthorsFit());

  /** What a part does. */
  interface Check {
    /** Whether it starts processes of its own, and need not be one. */
    default boolean startsProcesses() {
      return false;
    }

    /** Runs; whatever it throws is its failure. */
    void run(Settings settings, Findings findings) throws Exception;
  }

  private final Check check;

  Part(Check check) {
    this.check = check;
  }

  Check check() {
    return check;
  }

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
