package org.snmf4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;

import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snmf4j.error.InvalidArgumentException;

class CudaOptionsTest {
  private static CudaOptions with(String... namesAndValues) {
    Properties properties = new Properties();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      properties.setProperty(namesAndValues[i], namesAndValues[i + 1]);
    }
    return CudaOptions.of(properties);
  }

  @Test
  void withoutPropertiesTheDefaultsHold() {
    assertEquals(new CudaOptions(0, 0, CudaOptions.Dense.FP32, true), with());
  }

  @Test
  void propertiesAreTaken() {
    assertEquals(
        new CudaOptions(3, 8L << 30, CudaOptions.Dense.SPLIT, false),
        with(
            "snmf4j.cuda.device", "3",
            "snmf4j.cuda.memory", "8G",
            "snmf4j.cuda.dense", "split",
            "snmf4j.cuda.graphs", "false"));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "17k, 17408",
    "17K, 17408",
    "5M, 5242880",
    "2g, 2147483648",
    "123456789012, 123456789012"
  })
  void memoryTakesSuffixes(String text, long bytes) {
    assertEquals(bytes, with("snmf4j.cuda.memory", text).memory());
  }

  @ParameterizedTest
  @CsvSource({
    "snmf4j.cuda.device, -1, 'the number of a device, from 0 on'",
    "snmf4j.cuda.device, first, 'the number of a device, from 0 on'",
    "snmf4j.cuda.memory, 0, 'a positive number of bytes, with K, M or G if you like, as 8G'",
    "snmf4j.cuda.memory, 8T, 'a positive number of bytes, with K, M or G if you like, as 8G'",
    "snmf4j.cuda.memory, -1, 'a positive number of bytes, with K, M or G if you like, as 8G'",
    "snmf4j.cuda.memory, 9999999999999G, 'a positive number of bytes, with K, M or G if you like, as 8G'",
    "snmf4j.cuda.dense, fp8, 'one of fp32, tf32, split'",
    "snmf4j.cuda.graphs, maybe, 'true or false'"
  })
  void whatIsNoValueIsNamed(String property, String value, String limit) {
    InvalidArgumentException thrown =
        assertThrowsExactly(InvalidArgumentException.class, () -> with(property, value));
    assertEquals("-D" + property + " is " + value + " but must be " + limit, thrown.getMessage());
  }
}
