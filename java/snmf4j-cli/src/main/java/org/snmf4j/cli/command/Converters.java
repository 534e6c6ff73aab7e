package org.snmf4j.cli.command;

import java.util.List;
import java.util.stream.Collectors;
import org.snmf4j.backend.BackendProvider;
import org.snmf4j.backend.Backends;
import org.snmf4j.error.InvalidArgumentException;
import org.snmf4j.onnx.activations.Site;
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
