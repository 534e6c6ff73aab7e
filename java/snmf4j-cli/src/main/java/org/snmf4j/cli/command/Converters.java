package org.snmf4j.cli.command;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;
import org.snmf4j.onnx.runtime.ExecutionProvider;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Words of the command line to the library's types; what they refuse is a usage error. */
final class Converters {
  private Converters() {}

  static final class SiteName implements ITypeConverter<Site> {
    @Override
    public Site convert(String value) {
      try {
        return Site.of(value);
      } catch (InvalidArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Seconds, or units as in 1h30m, or all of ISO 8601. */
  static final class TimeSpan implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      String text = value.trim().toUpperCase(Locale.ROOT);
      if (text.matches("[-+]?[0-9.]+")) {
        text += "S";
      }
      try {
        return Duration.parse(text.contains("P") ? text : "PT" + text);
      } catch (DateTimeException | ArithmeticException e) {
        throw new TypeConversionException(
            "'" + value + "' is no time span; write seconds, or units as in 90s, 5m or 1h30m");
      }
    }
  }

  static final class ProviderName implements ITypeConverter<ExecutionProvider> {
    @Override
    public ExecutionProvider convert(String value) {
      try {
        return ExecutionProvider.of(value);
      } catch (InvalidArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  static final class BackendName implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
      if (!value.equals(Backends.AUTO) && !names.contains(value)) {
        throw new TypeConversionException(
            "there is no backend '"
                + value
                + "', only auto, "
                + names.stream().collect(Collectors.joining(", ")));
      }
      return value;
    }
  }
}
