package org.snmf4j.onnx.llama2c;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataLocation;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.snmf4j.io.AtomicFile;
import org.snmf4j.onnx.graph.ModelGraph;

/**
 * Writes a model whose weights pass through memory one after the other: a protobuf message of a
 * gigabyte would have to be there twice to be written in the usual way.
 */
final class OnnxFileWriter {
  /** Above this, weights go to a second file; protobuf messages end at 2 GiB. */
  static final long MAX_INTERNAL_BYTES = 1_500_000_000L;

  /** Texts end where the next one begins, which is where llama2.c stops, or with their own end. */
  private static final String END_OF_TEXT_IDS = Llama2cTokenizer.BEGIN + "," + Llama2cTokenizer.END;

  private static final int OPSET = 17;
  private static final int IR_VERSION = 8;

  /** Weights in external data begin at multiples of this, so that they can be memory-mapped. */
  private static final int ALIGNMENT = 4096;

  private static final int BUFFER_BYTES = 1 << 20;

  private final Path target;
  private final GraphProto graph;
  private final List<Weight> weights;
  private final boolean external;

  OnnxFileWriter(Path target, GraphProto graph, List<Weight> weights, long maxInternalBytes) {
    this.target = target;
    this.graph = graph;
    this.weights = weights;
    this.external = weights.stream().mapToLong(Weight::bytes).sum() > maxInternalBytes;
  }

  void write() {
    if (external) {
      Path data = target.resolveSibling(target.getFileName() + ".data");
      // The data takes its name only when the model waits complete in its own temporary file.
      AtomicFile.write(
          target,
          channel -> {
            writeAll(channel, ByteBuffer.wrap(withExternalData(data).toByteArray()));
            AtomicFile.write(data, this::writeData);
          });
    } else {
      AtomicFile.write(target, this::writeModel);
    }
  }

  private static ModelProto.Builder model() {
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("snmf4j")
        .addMetadataProps(entry(ModelGraph.END_OF_TEXT_IDS, END_OF_TEXT_IDS))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET));
  }

  private static TensorProto.Builder tensor(Weight weight) {
    return TensorProto.newBuilder()
        .setName(weight.name())
        .setDataType(DataType.FLOAT.getNumber())
        .addAllDims(weight.dimensions());
  }

  private ModelProto withExternalData(Path data) {
    GraphProto.Builder complete = graph.toBuilder();
    long at = 0;
    for (Weight weight : weights) {
      complete.addInitializer(
          tensor(weight)
              .setDataLocation(DataLocation.EXTERNAL)
              .addExternalData(entry("location", data.getFileName().toString()))
              .addExternalData(entry("offset", Long.toString(at)))
              .addExternalData(entry("length", Long.toString(weight.bytes()))));
      at = aligned(at + weight.bytes());
    }
    return model().setGraph(complete).build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  private static long aligned(long offset) {
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private void writeData(FileChannel channel) throws IOException {
    for (Weight weight : weights) {
      channel.position(aligned(channel.position()));
      writeValues(channel, weight);
    }
  }

  /** The message's bytes: the model's own fields, then the graph's, then weight after weight. */
  private void writeModel(FileChannel channel) throws IOException {
    byte[] frame = graph.toByteArray();
    List<byte[]> heads = new ArrayList<>();
    long graphBytes = frame.length;
    for (Weight weight : weights) {
      byte[] head = tensor(weight).build().toByteArray();
      heads.add(head);
      graphBytes += fieldBytes(GraphProto.INITIALIZER_FIELD_NUMBER, tensorBytes(head, weight));
    }
    CodedOutputStream out =
        CodedOutputStream.newInstance(Channels.newOutputStream(channel), BUFFER_BYTES);
    model().build().writeTo(out);
    begin(out, ModelProto.GRAPH_FIELD_NUMBER, graphBytes);
    out.writeRawBytes(frame);
    for (int i = 0; i < weights.size(); i++) {
      Weight weight = weights.get(i);
      begin(out, GraphProto.INITIALIZER_FIELD_NUMBER, tensorBytes(heads.get(i), weight));
      out.writeRawBytes(heads.get(i));
      begin(out, TensorProto.RAW_DATA_FIELD_NUMBER, weight.bytes());
      out.flush();
      writeValues(channel, weight);
    }
    out.flush();
  }

  private static long tensorBytes(byte[] head, Weight weight) {
    return head.length + fieldBytes(TensorProto.RAW_DATA_FIELD_NUMBER, weight.bytes());
  }

  private static long fieldBytes(int field, long content) {
    return CodedOutputStream.computeTagSize(field)
        + CodedOutputStream.computeUInt64SizeNoTag(content)
        + content;
  }

  private static void begin(CodedOutputStream out, int field, long bytes) throws IOException {
    out.writeTag(field, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    out.writeUInt64NoTag(bytes);
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void writeValues(FileChannel channel, Weight weight) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int capacity = BUFFER_BYTES / Float.BYTES;
    try {
      weight
          .source()
          .writeTo(
              values -> {
                for (int at = 0; at < values.length; at += capacity) {
                  int count = Math.min(capacity, values.length - at);
                  buffer.clear();
                  buffer.asFloatBuffer().put(values, at, count);
                  try {
                    writeAll(channel, buffer.limit(count * Float.BYTES));
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
