package org.snmf4j.nativecode;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Opaque;

/** The opaque handles of the C interface, the same in every library. New ones are null. */
public final class Handles {
  private Handles() {}

  /** What a backend computes in. */
  @Opaque
  @Name("snmf4j_context")
  public static final class Context extends Pointer {
    public Context() {
      super((Pointer) null);
    }
  }

  /** A or Y. */
  @Opaque
  @Name("snmf4j_panels")
  public static final class Panels extends Pointer {
    public Panels() {
      super((Pointer) null);
    }
  }

  /** Z. */
  @Opaque
  @Name("snmf4j_features")
  public static final class FeatureColumns extends Pointer {
    public FeatureColumns() {
      super((Pointer) null);
    }
  }

  /** C, G and the row sums of Y. */
  @Opaque
  @Name("snmf4j_statistics")
  public static final class Sums extends Pointer {
    public Sums() {
      super((Pointer) null);
    }
  }
}
