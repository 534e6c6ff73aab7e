// Features: dense columns, their sparse forms, winner-take-all.
#include <atomic>
#include <cmath>
#include <cstring>

#include "handles.hpp"
#include "select.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

std::size_t features_size(int64_t neurons, int rank) {
  require(neurons >= 1 && neurons <= INT32_MAX, "neurons must be between 1 and 2^31 - 1");
  require(rank >= 1 && rank <= 16384, "rank must be between 1 and 16384");
  return static_cast<std::size_t>(neurons) * static_cast<std::size_t>(rank);
}

// Zeroes what is smaller than the keep-th largest magnitude; ties with it stay.
void keep_largest(float* column, int64_t size, int64_t keep, float* magnitudes) {
  const float threshold = kth_magnitude(column, size, keep, magnitudes);
  for (int64_t i = 0; i < size; i++) {
    column[i] = std::fabs(column[i]) < threshold ? 0 : column[i];
  }
}

}  // namespace

snmf4j_features::snmf4j_features(snmf4j_context* owner, int64_t height, int width)
    : context(owner),
      neurons(height),
      rank(width),
      dense(&owner->memory, features_size(height, width)),
      column_start(&owner->memory, static_cast<std::size_t>(width) + 1) {
  std::memset(dense.data(), 0, dense.size() * sizeof(float));
}

const int64_t* snmf4j_features::starts() {
  int64_t* start = column_start.data();
  if (!starts_valid) {
    context->pool.ranges(rank, [&](int, int64_t from, int64_t to) {
      for (int64_t j = from; j < to; j++) {
        const float* column = dense.data() + j * neurons;
        int64_t count = 0;
        for (int64_t i = 0; i < neurons; i++) count += column[i] != 0;
        start[j + 1] = count;
      }
    });
    start[0] = 0;
    for (int j = 0; j < rank; j++) start[j + 1] += start[j];
    starts_valid = true;
  }
  return start;
}

SparseColumns snmf4j_features::columns() {
  const int64_t* start = starts();
  if (!columns_valid) {
    const auto total = static_cast<std::size_t>(start[rank]);
    column_index.reserve(&context->memory, total);
    column_value.reserve(&context->memory, total);
    context->pool.ranges(rank, [&](int, int64_t from, int64_t to) {
      for (int64_t j = from; j < to; j++) {
        const float* column = dense.data() + j * neurons;
        int64_t at = start[j];
        for (int64_t i = 0; i < neurons; i++) {
          if (column[i] != 0) {
            column_index[at] = static_cast<int32_t>(i);
            column_value[at++] = column[i];
          }
        }
      }
    });
    columns_valid = true;
    supports++;
  }
  return {rank, start, column_index.data(), column_value.data()};
}

SparseRows snmf4j_features::rows() {
  const SparseColumns from = columns();
  if (!rows_valid) {
    const auto total = static_cast<std::size_t>(from.start[rank]);
    row_start.reserve(&context->memory, static_cast<std::size_t>(neurons) + 1);
    row_index.reserve(&context->memory, total);
    row_value.reserve(&context->memory, total);
    int64_t* start = row_start.data();
    std::memset(start, 0, (static_cast<std::size_t>(neurons) + 1) * sizeof *start);
    for (std::size_t e = 0; e < total; e++) start[from.index[e] + 1]++;
    for (int64_t i = 0; i < neurons; i++) start[i + 1] += start[i];
    // Filling moves each start to the next row's; shifted back afterwards.
    for (int j = 0; j < rank; j++) {
      for (int64_t e = from.start[j]; e < from.start[j + 1]; e++) {
        const int64_t at = start[from.index[e]]++;
        row_index[at] = j;
        row_value[at] = from.value[e];
      }
    }
    for (int64_t i = neurons; i > 0; i--) start[i] = start[i - 1];
    start[0] = 0;
    rows_valid = true;
  }
  return {neurons, row_start.data(), row_index.data(), row_value.data()};
}

const SupportOrder& snmf4j_features::support() {
  const SparseRows from = rows();
  if (arranged != supports) {
    order.arrange(&context->memory, from);
    arranged = supports;
  }
  return order;
}

void snmf4j_features::revalued() {
  std::atomic<bool> whole{true};
  context->pool.ranges(rank, [&](int, int64_t from, int64_t to) {
    for (int64_t j = from; j < to; j++) {
      const float* column = dense.data() + j * neurons;
      for (int64_t e = column_start[j]; e < column_start[j + 1]; e++) {
        column_value[e] = column[column_index[e]];
        if (column_value[e] == 0) whole = false;
      }
    }
  });
  // A value that has become zero is none of the support any more.
  starts_valid = columns_valid = rows_valid = whole;
}

bool snmf4j_features::is_dense() {
  // From a quarter of nonzeros on, the dense kernel is faster than the sparse one.
  return starts()[rank] > neurons * rank / 4;
}

int snmf4j_features_create(snmf4j_context* context, int64_t neurons, int rank,
                           snmf4j_features** result) {
  return entry([&] {
    require(context != nullptr && result != nullptr, "context and result must not be null");
    *result = new snmf4j_features(context, neurons, rank);
  });
}

int snmf4j_features_destroy(snmf4j_features* features) {
  return entry([&] { delete features; });
}

int snmf4j_features_write(snmf4j_features* features, int type, const void* source, int64_t neuron,
                          int64_t neurons) {
  return entry([&] {
    require(features != nullptr && source != nullptr, "features and source must not be null");
    require(type == SNMF4J_FLOAT32 || type == SNMF4J_FLOAT64, "type must be one of SNMF4J_FLOAT*");
    require(neuron >= 0 && neurons >= 1 && neuron <= features->neurons - neurons,
            "neurons must lie in the features");
    features->changed();
    const int rank = features->rank;
    for (int64_t i = 0; i < neurons; i++) {
      for (int j = 0; j < rank; j++) {
        const int64_t at = i * rank + j;
        const float value = type == SNMF4J_FLOAT32
                                ? static_cast<const float*>(source)[at]
                                : static_cast<float>(static_cast<const double*>(source)[at]);
        if (!std::isfinite(value)) {
          throw Error(SNMF4J_NON_FINITE, "an element is not finite as float32");
        }
        features->dense[j * features->neurons + neuron + i] = value;
      }
    }
  });
}

int snmf4j_features_read(const snmf4j_features* features, float* target, int64_t neuron,
                         int64_t neurons) {
  return entry([&] {
    require(features != nullptr && target != nullptr, "features and target must not be null");
    require(neuron >= 0 && neurons >= 1 && neuron <= features->neurons - neurons,
            "neurons must lie in the features");
    for (int64_t i = 0; i < neurons; i++) {
      for (int j = 0; j < features->rank; j++) {
        target[i * features->rank + j] = features->dense[j * features->neurons + neuron + i];
      }
    }
  });
}

int snmf4j_features_winner_take_all(snmf4j_features* features, int64_t keep) {
  return entry([&] {
    require(features != nullptr, "features must not be null");
    require(keep >= 1 && keep <= features->neurons, "keep must be between 1 and the neurons");
    features->changed();
    ThreadPool& pool = features->context->pool;
    Buffer<float> magnitudes(&features->context->memory,
                             static_cast<std::size_t>(features->neurons) * pool.size());
    pool.ranges(features->rank, [&](int worker, int64_t from, int64_t to) {
      for (int64_t j = from; j < to; j++) {
        keep_largest(features->dense.data() + j * features->neurons, features->neurons, keep,
                     magnitudes.data() + worker * features->neurons);
      }
    });
  });
}

int snmf4j_features_scale(snmf4j_features* features, const double* factors) {
  return entry([&] {
    require(features != nullptr && factors != nullptr, "features and factors must not be null");
    features->changed();
    for (int j = 0; j < features->rank; j++) {
      float* column = features->dense.data() + j * features->neurons;
      for (int64_t i = 0; i < features->neurons; i++) {
        if (column[i] != 0) column[i] = static_cast<float>(column[i] * factors[j]);
      }
    }
  });
}
