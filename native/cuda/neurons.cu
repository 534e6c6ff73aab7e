#include "neurons.hpp"

namespace snmf4j {
namespace {

// Pieces of a matrix that a block transposes: so many rows and columns.
constexpr int kSquare = 32;
constexpr int kThreads = 256;
constexpr int kRows = kThreads / kSquare;

// From [neurons][rank] to columns that are `height` apart.
template <typename T>
__global__ void put(const T* source, int64_t neurons, int rank, float* target, int64_t height,
                    int* failed) {
  __shared__ float square[kSquare][kSquare + 1];
  const int x = static_cast<int>(threadIdx.x) % kSquare;
  const int y = static_cast<int>(threadIdx.x) / kSquare;
  const int64_t neuron = static_cast<int64_t>(blockIdx.x) * kSquare;
  const int feature = static_cast<int>(blockIdx.y) * kSquare;
  for (int row = y; row < kSquare; row += kRows) {
    if (neuron + row < neurons && feature + x < rank) {
      square[row][x] = static_cast<float>(source[(neuron + row) * rank + feature + x]);
    }
  }
  __syncthreads();
  for (int row = y; row < kSquare; row += kRows) {
    if (neuron + x >= neurons || feature + row >= rank) continue;
    const float value = square[x][row];
    if (isfinite(value)) {
      target[(feature + row) * height + neuron + x] = value;
    } else {
      *failed = 1;
    }
  }
}

template <typename T>
__global__ void take(const float* source, int64_t height, int64_t neurons, int rank, T* target) {
  __shared__ float square[kSquare][kSquare + 1];
  const int x = static_cast<int>(threadIdx.x) % kSquare;
  const int y = static_cast<int>(threadIdx.x) / kSquare;
  const int64_t neuron = static_cast<int64_t>(blockIdx.x) * kSquare;
  const int feature = static_cast<int>(blockIdx.y) * kSquare;
  for (int row = y; row < kSquare; row += kRows) {
    if (neuron + x < neurons && feature + row < rank) {
      square[row][x] = source[(feature + row) * height + neuron + x];
    }
  }
  __syncthreads();
  for (int row = y; row < kSquare; row += kRows) {
    if (neuron + row < neurons && feature + x < rank) {
      target[(neuron + row) * rank + feature + x] = square[x][row];
    }
  }
}

gpu::Shape shape_of(int64_t neurons, int rank) {
  return {gpu::pieces(neurons, kSquare), kThreads, 0, gpu::pieces(rank, kSquare)};
}

}  // namespace

template <typename T>
void put_neurons(snmf4j_features& z, const T* source, int64_t neuron, int64_t neurons,
                 int* failed) {
  gpu::launch(z.context->stream, shape_of(neurons, z.rank), put<T>, source, neurons, z.rank,
              z.dense.data() + neuron, z.neurons, failed);
}

template <typename T>
void take_neurons(const snmf4j_features& z, int64_t neuron, int64_t neurons, T* target) {
  gpu::launch(z.context->stream, shape_of(neurons, z.rank), take<T>, z.dense.data() + neuron,
              z.neurons, neurons, z.rank, target);
}

template void put_neurons(snmf4j_features&, const float*, int64_t, int64_t, int*);
template void put_neurons(snmf4j_features&, const double*, int64_t, int64_t, int*);
template void take_neurons(const snmf4j_features&, int64_t, int64_t, float*);
template void take_neurons(const snmf4j_features&, int64_t, int64_t, double*);

}  // namespace snmf4j
