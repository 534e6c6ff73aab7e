package org.snmf4j.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.snmf4j.backend.Activations;
import org.snmf4j.backend.Backend;
import org.snmf4j.backend.Coefficients;
import org.snmf4j.backend.Features;
import org.snmf4j.backend.Resident;
import org.snmf4j.backend.ReviveResult;
import org.snmf4j.backend.Statistics;
import org.snmf4j.error.ClosedException;
import org.snmf4j.error.InvalidArgumentException;

/** What a revival refuses. */
abstract class ReviveArgumentsSuite extends Suite {
  @Test
  void argumentsOutsideTheirLimitsAreRefused() {
    try (OneOfEach data = OneOfEach.on(backend);
        Backend stranger = open(1);
        OneOfEach foreign = OneOfEach.on(stranger);
        Coefficients fewTokens = backend.newCoefficients(2, 4);
        Coefficients highRank = backend.newCoefficients(3, 5);
        Features fewNeurons = backend.newFeatures(2, 2);
        Features lowRank = backend.newFeatures(3, 1);
        Statistics small = backend.newStatistics(2, 2);
        Statistics wide = backend.newStatistics(3, 3)) {
      Activations a = data.a();
      Statistics s = data.s();
      Features z = data.z();
      Coefficients y = data.y();
      for (int keep : new int[] {0, -1, 4}) {
        refuse(
            "keep is " + keep + " but must be between 1 and 3",
            () -> backend.revive(a, s, z, y, keep));
      }
      refuse("coefficients is of shape [2, 4]", () -> backend.revive(a, s, z, fewTokens, 1));
      refuse("features is of shape [3, 2]", () -> backend.revive(a, s, z, highRank, 1));
      refuse("features is of shape [2, 2]", () -> backend.revive(a, s, fewNeurons, y, 1));
      refuse("features is of shape [3, 1]", () -> backend.revive(a, s, lowRank, y, 1));
      refuse("statistics is of shape [2, 2]", () -> backend.revive(a, small, z, y, 1));
      refuse("statistics is of shape [3, 3]", () -> backend.revive(a, wide, z, y, 1));
      String strange = " is of another backend but must be of this backend";
      refuse("activations" + strange, () -> backend.revive(foreign.a(), s, z, y, 1));
      refuse("statistics" + strange, () -> backend.revive(a, foreign.s(), z, y, 1));
      refuse("features" + strange, () -> backend.revive(a, s, foreign.z(), y, 1));
      refuse("coefficients" + strange, () -> backend.revive(a, s, z, foreign.y(), 1));
      assertEquals(new ReviveResult(2, 2), backend.revive(a, s, z, y, 1));
    }
  }

  private static void refuse(String message, Executable call) {
    String thrown = assertThrowsExactly(InvalidArgumentException.class, call).getMessage();
    assertTrue(thrown.startsWith(message), () -> thrown + " should start: " + message);
  }

  @Test
  void closedDataIsRefused() {
    for (int which = 0; which < 4; which++) {
      try (OneOfEach data = OneOfEach.on(backend)) {
        Resident closed = data.all().get(which);
        closed.close();
        assertThrowsExactly(
            ClosedException.class, () -> backend.revive(data.a(), data.s(), data.z(), data.y(), 1));
      }
    }
    Backend closed = open(1);
    OneOfEach data = OneOfEach.on(closed);
    closed.close();
    assertThrowsExactly(
        ClosedException.class, () -> closed.revive(data.a(), data.s(), data.z(), data.y(), 1));
    data.close();
  }
}
