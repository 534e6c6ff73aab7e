package org.snmf4j.nativecode;

import org.bytedeco.javacpp.DoublePointer;
import org.snmf4j.backend.Momentum;
import org.snmf4j.backend.UpdateRule;
import org.snmf4j.nativecode.Handles.FeatureColumns;
import org.snmf4j.nativecode.Handles.Panels;

/**
 * What a pass does to the coefficients: the members of the C interface's {@code snmf4j_update}.
 *
 * @param rule one of NativeOperations.RULE_*
 * @param relaxation of the rule's steps; 1 for rules that have none
 * @param rowScale null, or a factor per row
 * @param before null, or the coefficients before
 * @param support null, or where C is wanted, too
 */
public record Update(
    int rule,
    double epsilon,
    int sweeps,
    double tolerance,
    double penalty,
    double relaxation,
    DoublePointer rowScale,
    Panels before,
    double beta,
    FeatureColumns support) {

  static Update of(
      UpdateRule rule, DoublePointer rowScale, Momentum momentum, FeatureColumns support) {
    Panels before = momentum == null ? null : ((NativeCoefficients) momentum.before()).panels;
    double beta = momentum == null ? 0 : momentum.beta();
    if (rule instanceof UpdateRule.Multiplicative step) {
      return new Update(
          NativeOperations.RULE_MULTIPLICATIVE,
          step.epsilon(),
          1,
          0,
          0,
          1,
          rowScale,
          before,
          beta,
          support);
    }
    if (rule instanceof UpdateRule.Hals hals) {
      return new Update(
          NativeOperations.RULE_HALS,
          0,
          hals.sweeps(),
          hals.tolerance(),
          hals.penalty(),
          hals.relaxation(),
          rowScale,
          before,
          beta,
          support);
    }
    UpdateRule.LeastSquares squares = (UpdateRule.LeastSquares) rule;
    return new Update(
        NativeOperations.RULE_LEAST_SQUARES,
        0,
        squares.sweeps(),
        squares.tolerance(),
        squares.penalty(),
        1,
        rowScale,
        before,
        beta,
        support);
  }
}
