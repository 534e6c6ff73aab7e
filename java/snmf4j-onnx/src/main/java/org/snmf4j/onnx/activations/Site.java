package org.snmf4j.onnx.activations;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.snmf4j.error.InvalidArgumentException;

/** Where in a transformer block activations are taken. */
public enum Site {
  /** Input of the MLP's down-projection: after the non-linearity, gated where the model gates. */
  MLP("mlp"),
  /** Output of the MLP's down-projection, bias included, before any norm after it. */
  MLP_OUT("mlp_out"),
  /** Output of the block; in post-norm models after its last norm. */
  RESIDUAL("residual");

  private final String id;

  Site(String id) {
    this.id = id;
  }

  /** The name in files and on the command line. */
  public String id() {
    return id;
  }

  /** The site called {@code id}. */
  public static Site of(String id) {
    return Arrays.stream(values())
        .filter(site -> site.id.equals(id))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidArgumentException(
                    "site",
                    id,
                    "one of "
                        + Arrays.stream(values()).map(Site::id).collect(Collectors.joining(", "))));
  }
}
