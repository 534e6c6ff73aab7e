// Features: dense columns, in and out, and steps that change each by itself.
#include <algorithm>

#include "neurons.hpp"
#include "select.hpp"

using namespace snmf4j;

namespace {

// Neurons go to the device, and come from there, so many bytes at a time.
constexpr int64_t kStaged = int64_t{8} << 20;
constexpr int kThreads = 256;
constexpr int kSelectThreads = 512;

int64_t neurons_each(const snmf4j_features& z, std::size_t bytes) {
  const int64_t row = z.rank * static_cast<int64_t>(bytes);
  return std::max<int64_t>(1, z.context->piece_bytes(kStaged) / row);
}

std::size_t features_size(int64_t neurons, int rank) {
  require(neurons >= 1 && neurons <= INT32_MAX, "neurons must be between 1 and 2^31 - 1");
  require(rank >= 1 && rank <= kMaxRank, "rank must be between 1 and 16384");
  return static_cast<std::size_t>(neurons) * static_cast<std::size_t>(rank);
}

// A block per column. Ties with the keep-th largest stay.
__global__ void keep_largest(float* dense, int64_t neurons, int64_t keep) {
  __shared__ SelectRoom room;
  float* column = dense + blockIdx.x * neurons;
  const Selected<unsigned> selected = select_largest<unsigned>(
      static_cast<int>(neurons), static_cast<int>(keep), 31, kAllPasses,
      [=](int i) { return magnitude_key(column[i]); }, room);
  for (int64_t i = threadIdx.x; i < neurons; i += blockDim.x) {
    if (magnitude_key(column[i]) < selected.bound) column[i] = 0;
  }
}

__global__ void scale_columns(float* dense, int64_t neurons, const double* factors) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= neurons) return;
  float& value = dense[blockIdx.y * neurons + i];
  if (value != 0) value = static_cast<float>(value * factors[blockIdx.y]);
}

template <typename T>
void write(snmf4j_features& features, const T* source, int64_t neuron, int64_t neurons) {
  snmf4j_context& context = *features.context;
  const int rank = features.rank;
  const int64_t each = std::min(neurons_each(features, sizeof(T)), neurons);
  T* staged = context.room<T>(0, static_cast<std::size_t>(each * rank));
  int* failed = context.room<int>(1, 1);
  context.stream.clear(failed, sizeof *failed);
  for (int64_t done = 0; done < neurons; done += each) {
    const int64_t count = std::min(each, neurons - done);
    context.stream.upload(staged, source + done * rank,
                          static_cast<std::size_t>(count * rank) * sizeof(T));
    put_neurons(features, static_cast<const T*>(staged), neuron + done, count, failed);
  }
  int result = 0;
  context.stream.download(&result, failed, sizeof result);
  context.stream.finish();
  if (result != 0) throw Error(SNMF4J_NON_FINITE, "an element is not finite as float32");
}

}  // namespace

snmf4j_features::snmf4j_features(snmf4j_context* owner, int64_t height, int width)
    : context(owner),
      neurons(height),
      rank(width),
      dense(&owner->memory, features_size(height, width)) {
  owner->stream.clear(dense.data(), dense.bytes());
}

int snmf4j_features_create(snmf4j_context* context, int64_t neurons, int rank,
                           snmf4j_features** result) {
  return entry(context, [&] {
    require(result != nullptr, "result must not be null");
    *result = new snmf4j_features(context, neurons, rank);
  });
}

int snmf4j_features_destroy(snmf4j_features* features) {
  if (features == nullptr) return SNMF4J_OK;
  return entry(features->context, [&] { delete features; });
}

int snmf4j_features_write(snmf4j_features* features, int type, const void* source, int64_t neuron,
                          int64_t neurons) {
  return entry(context_of(features), [&] {
    require(source != nullptr, "source must not be null");
    require(type == SNMF4J_FLOAT32 || type == SNMF4J_FLOAT64,
            "type must be SNMF4J_FLOAT32 or SNMF4J_FLOAT64");
    require(neuron >= 0 && neurons >= 1 && neuron <= features->neurons - neurons,
            "neurons must lie in the features");
    features->changed();
    if (type == SNMF4J_FLOAT32) {
      write(*features, static_cast<const float*>(source), neuron, neurons);
    } else {
      write(*features, static_cast<const double*>(source), neuron, neurons);
    }
  });
}

int snmf4j_features_read(const snmf4j_features* features, float* target, int64_t neuron,
                         int64_t neurons) {
  return entry(context_of(features), [&] {
    require(target != nullptr, "target must not be null");
    require(neuron >= 0 && neurons >= 1 && neuron <= features->neurons - neurons,
            "neurons must lie in the features");
    snmf4j_context& context = *features->context;
    const int rank = features->rank;
    const int64_t each = std::min(neurons_each(*features, sizeof(float)), neurons);
    float* staged = context.room<float>(0, static_cast<std::size_t>(each * rank));
    for (int64_t done = 0; done < neurons; done += each) {
      const int64_t count = std::min(each, neurons - done);
      take_neurons(*features, neuron + done, count, staged);
      context.stream.download(target + done * rank, staged,
                              static_cast<std::size_t>(count * rank) * sizeof(float));
    }
    context.stream.finish();
  });
}

int snmf4j_features_winner_take_all(snmf4j_features* features, int64_t keep) {
  return entry(context_of(features), [&] {
    require(keep >= 1 && keep <= features->neurons, "keep must be between 1 and the neurons");
    features->changed();
    gpu::launch(features->context->stream,
                {static_cast<unsigned>(features->rank), kSelectThreads}, keep_largest,
                features->dense.data(), features->neurons, keep);
  });
}

int snmf4j_features_scale(snmf4j_features* features, const double* factors) {
  return entry(context_of(features), [&] {
    require(factors != nullptr, "factors must not be null");
    features->changed();
    snmf4j_context& context = *features->context;
    const auto rank = static_cast<std::size_t>(features->rank);
    double* held = context.room<double>(0, rank);
    context.stream.upload(held, factors, rank * sizeof(double));
    gpu::launch(context.stream,
                {gpu::pieces(features->neurons, kThreads), kThreads, 0,
                 static_cast<unsigned>(rank)},
                scale_columns, features->dense.data(), features->neurons,
                static_cast<const double*>(held));
  });
}
