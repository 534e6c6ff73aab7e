package org.snmf4j.onnx.graph;

import org.snmf4j.onnx.activations.Site;

/**
 * A transformer block as its MLP shows it.
 *
 * @param index 0-based position among the model's blocks
 * @param mlp input of the down-projection
 * @param mlpOut output of the down-projection with its bias
 * @param residual output of the block; in post-norm models after its last norm
 * @param downProjection the weight
 */
public record MlpLayer(
    int index,
    SiteTensor mlp,
    SiteTensor mlpOut,
    SiteTensor residual,
    DownProjection downProjection) {

  /** The tensor of a site. */
  public SiteTensor tensor(Site site) {
    return switch (site) {
      case MLP -> mlp;
      case MLP_OUT -> mlpOut;
      case RESIDUAL -> residual;
    };
  }
}
