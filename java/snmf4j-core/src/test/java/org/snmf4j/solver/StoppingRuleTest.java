package org.snmf4j.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StoppingRuleTest {
  /** Number of losses after which the rule stops, or -1. */
  private static int stop(StoppingRule rule, double... losses) {
    for (int i = 0; i < losses.length; i++) {
      if (rule.stopsAt(losses[i])) {
        return i + 1;
      }
    }
    return -1;
  }

  @Test
  void waitsAsLongAsItsPatience() {
    assertEquals(2, stop(new StoppingRule(1, 0), 5, 5));
    assertEquals(4, stop(new StoppingRule(3, 0), 5, 5, 5, 5));
    assertEquals(-1, stop(new StoppingRule(4, 0), 5, 5, 5, 5));
  }

  @Test
  void anImprovementStartsTheWaitAnew() {
    assertEquals(7, stop(new StoppingRule(2, 0), 5, 6, 4, 4.5, 3.9, 3.9, 9, 9));
  }

  @Test
  void theFirstLossAlwaysCounts() {
    assertFalse(new StoppingRule(1, 0.5).stopsAt(1e300));
  }

  @Test
  void smallImprovementsDoNotCountButAddUp() {
    // Each step is 0.1 % down, the tolerance is 1 %: the mark moves every tenth step.
    StoppingRule rule = new StoppingRule(10, 0.01);
    double loss = 1e6;
    for (int i = 0; i < 100; i++) {
      assertFalse(rule.stopsAt(loss), "stopped at " + i);
      loss *= 0.999;
    }
    StoppingRule impatient = new StoppingRule(9, 0.01);
    loss = 1e6;
    int stopped = -1;
    for (int i = 0; i < 100 && stopped < 0; i++) {
      stopped = impatient.stopsAt(loss) ? i : -1;
      loss *= 0.999;
    }
    assertEquals(9, stopped);
  }

  @Test
  void theToleranceIsRelative() {
    for (double scale : new double[] {1e-12, 1, 1e12}) {
      StoppingRule rule = new StoppingRule(1, 1e-3);
      assertFalse(rule.stopsAt(scale));
      assertFalse(rule.stopsAt(scale * 0.99));
      assertTrue(rule.stopsAt(scale * 0.9899));
    }
  }
}
