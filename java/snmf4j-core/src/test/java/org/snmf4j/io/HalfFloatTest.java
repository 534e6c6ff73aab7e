package org.snmf4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HalfFloatTest {
  @Test
  void everyHalfHasTheValueThatItsFieldsSay() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits / 1024 % 32;
      double mantissa = bits % 1024 / 1024.0;
      double magnitude =
          exponent == 0 ? mantissa * Math.pow(2, -14) : (1 + mantissa) * Math.pow(2, exponent - 15);
      if (exponent == 31) {
        magnitude = mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
      }
      float expected = (float) (bits < 0x8000 ? magnitude : -magnitude);
      float found = HalfFloat.fromF16((short) bits);
      assertEquals(expected, found, "bits " + bits);
    }
  }

  @Test
  void everyBfloatIsTheUpperHalfOfAFloat() {
    assertEquals(1f, HalfFloat.fromBf16((short) 0x3f80));
    assertEquals(3.140625f, HalfFloat.fromBf16((short) 0x4049));
    for (int bits = 0; bits < 1 << 16; bits++) {
      float found = HalfFloat.fromBf16((short) bits);
      assertEquals(bits << 16, Float.floatToRawIntBits(found));
    }
    assertTrue(Float.isNaN(HalfFloat.fromBf16((short) 0xffc0)));
  }
}
