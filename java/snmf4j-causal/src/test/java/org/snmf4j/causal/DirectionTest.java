package org.snmf4j.causal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.error.NonFiniteValueException;
import org.snmf4j.onnx.activations.Site;

class DirectionTest {
  @Test
  void unitKeepsTheDirection() {
    Direction unit = Direction.of("v", Site.MLP, new float[] {3, 0, -4}).unit();
    assertArrayEquals(new float[] {0.6F, 0, -0.8F}, unit.values(), 1e-7F);
    assertEquals(1, unit.length(), 1e-7);
    assertEquals(Site.MLP, unit.site());
  }

  @Test
  void valuesAreCopied() {
    float[] values = {1, 2};
    Direction direction = Direction.of("v", Site.MLP_OUT, values);
    values[0] = 7;
    direction.values()[1] = 7;
    assertArrayEquals(new float[] {1, 2}, direction.values());
  }

  @Test
  void whatIsNoDirectionIsRefused() {
    assertThrows(InvalidArgumentException.class, () -> Direction.of("v", Site.MLP, new float[0]));
    assertThrows(
        InvalidArgumentException.class, () -> Direction.of("v", Site.MLP, new float[3]).unit());
    NonFiniteValueException e =
        assertThrows(
            NonFiniteValueException.class,
            () -> Direction.of("v", Site.MLP, new float[] {0, Float.NaN}));
    assertTrue(e.getMessage().contains("row 1"), e.getMessage());
  }
}
