package org.snmf4j.interpret;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snmf4j.SnmfModel;
import org.snmf4j.matrix.ElementType;
import org.snmf4j.matrix.Matrix;
import org.snmf4j.onnx.activations.ActivationSet;
import org.snmf4j.onnx.activations.TokenTable;

/**
 * A model that looks like a real one: features planted over the words of the demo's data set. The
 * first features stand for a concept each, firing on the words that few other concepts use; the
 * rest for a single frequent word each, plus noise.
 */
public final class PlantedConcepts implements AutoCloseable {
  private static final Path CONCEPTS =
      Path.of("..", "snmf4j-cli", "src", "main", "resources")
          .resolve(Path.of("org", "snmf4j", "cli", "demo", "concepts.json"));
  private static final Pattern WORD = Pattern.compile("\\w+|[^\\s\\w]");
  private static final int NEURONS = 1536;

  private final TokenTable tokens;
  private final SnmfModel model;
  private final ActivationSet activations;

  public PlantedConcepts(Path directory, int rank) throws IOException {
    tokens = read();
    Random random = new Random(1);
    try (Matrix features = Matrix.allocate(ElementType.FLOAT32, NEURONS, rank);
        Matrix coefficients = Matrix.allocate(ElementType.FLOAT32, rank, tokens.size())) {
      plantFeatures(features, random);
      plantCoefficients(coefficients, random);
      model = Models.of(directory, features, coefficients);
    }
    activations = Models.activations(NEURONS, tokens);
  }

  public SnmfModel model() {
    return model;
  }

  public ActivationSet activations() {
    return activations;
  }

  @Override
  public void close() {
    model.close();
    activations.close();
  }

  private static TokenTable read() throws IOException {
    JsonNode concepts = new ObjectMapper().readTree(CONCEPTS.toFile());
    TokenTable.Builder tokens = new TokenTable.Builder();
    for (Map.Entry<String, JsonNode> concept : concepts.properties()) {
      for (JsonNode text : concept.getValue()) {
        int sentence = tokens.addSentence(text.asText(), concept.getKey());
        Matcher words = WORD.matcher(text.asText());
        for (int position = 1; words.find(); position++) {
          String word = words.group().toLowerCase(Locale.ROOT);
          tokens.addToken(
              word.hashCode() & 0x7fff, word, words.start(), words.end(), sentence, position);
        }
      }
    }
    return tokens.build();
  }

  private static void plantFeatures(Matrix features, Random random) {
    int support = NEURONS / 100;
    for (int feature = 0; feature < features.columns(); feature++) {
      double[] weights = new double[support];
      double squares = 0;
      for (int i = 0; i < support; i++) {
        weights[i] = random.nextGaussian();
        squares += weights[i] * weights[i];
      }
      int neuron = random.nextInt(50);
      for (double weight : weights) {
        features.set(neuron, feature, weight / Math.sqrt(squares));
        neuron += 1 + random.nextInt(90);
      }
    }
  }

  private void plantCoefficients(Matrix coefficients, Random random) {
    Map<String, Set<String>> labelsOf = new HashMap<>();
    Map<String, Integer> counts = new HashMap<>();
    for (int token = 0; token < tokens.size(); token++) {
      labelsOf
          .computeIfAbsent(tokens.piece(token), piece -> new HashSet<>())
          .add(tokens.label(token));
      counts.merge(tokens.piece(token), 1, Integer::sum);
    }
    String[] labels =
        tokens.sentences().stream()
            .map(TokenTable.Sentence::label)
            .distinct()
            .toArray(String[]::new);
    String[] frequent =
        counts.entrySet().stream()
            .sorted((a, b) -> b.getValue() - a.getValue())
            .map(Map.Entry::getKey)
            .toArray(String[]::new);
    for (int feature = 0; feature < coefficients.rows(); feature++) {
      for (int token = 0; token < tokens.size(); token++) {
        String piece = tokens.piece(token);
        boolean fires =
            feature < labels.length
                ? labels[feature].equals(tokens.label(token)) && labelsOf.get(piece).size() <= 2
                : frequent[feature - labels.length].equals(piece);
        double value =
            fires ? Math.exp(0.5 * random.nextGaussian()) : 0.3 * (random.nextGaussian() - 2);
        coefficients.set(feature, token, Math.max(0, value));
      }
    }
  }
}
