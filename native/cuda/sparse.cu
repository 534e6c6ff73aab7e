// The sparse forms of Z, made from its dense columns.
#include "sparse.hpp"

#include "collective.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 256;
// Neurons of a column that a block takes.
constexpr int kPiece = 4096;
// A block takes as many neurons as a warp has lanes, and each of its warps some features.
constexpr int kRowWarps = 16;
constexpr int kScanThreads = 1024;

__global__ void count_columns(const float* dense, int64_t neurons, int* counts) {
  __shared__ int room[gpu::kWarp];
  const float* column = dense + blockIdx.y * neurons;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kPiece;
  const int64_t last = min(first + kPiece, neurons);
  int count = 0;
  for (int64_t i = first + threadIdx.x; i < last; i += kThreads) count += column[i] != 0;
  count = block_sum(count, room);
  if (threadIdx.x == 0) counts[blockIdx.y * gridDim.x + blockIdx.x] = count;
}

// One block: sums[i * each] becomes the sum of the counts before i * each, up to and with the sum
// of all. Where only every each-th sum is asked for, `all`, if not null, receives every one.
__global__ void sum_counts(const int* counts, int64_t size, int64_t each, int64_t* sums,
                           int64_t* all) {
  __shared__ int64_t room[gpu::kWarp];
  int64_t before = 0;
  for (int64_t first = 0; first < size; first += kScanThreads) {
    const int64_t i = first + threadIdx.x;
    int64_t total = 0;
    const int64_t sum = before + block_prefix<int64_t>(i < size ? counts[i] : 0, room, total);
    if (i < size) {
      if (i % each == 0) sums[i / each] = sum;
      if (all != nullptr) all[i] = sum;
    }
    before += total;
  }
  if (threadIdx.x == 0) sums[size / each] = before;
}

__global__ void fill_columns(const float* dense, int64_t neurons, const int64_t* starts,
                             int32_t* index, float* value) {
  __shared__ int room[gpu::kWarp];
  const float* column = dense + blockIdx.y * neurons;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kPiece;
  const int64_t last = min(first + kPiece, neurons);
  int64_t at = starts[blockIdx.y * gridDim.x + blockIdx.x];
  for (int64_t some = first; some < last; some += kThreads) {
    const int64_t i = some + threadIdx.x;
    const float x = i < last ? column[i] : 0;
    int total = 0;
    const int64_t own = at + block_prefix(x != 0 ? 1 : 0, room, total);
    if (x != 0) {
      index[own] = static_cast<int32_t>(i);
      value[own] = x;
    }
    at += total;
  }
}

// The features that a warp of a block takes.
__device__ inline int first_feature(int warp, int rank) {
  return static_cast<int>(static_cast<int64_t>(rank) * warp / kRowWarps);
}

__device__ inline int count_row(const float* dense, int64_t neurons, int64_t i, int from, int to) {
  int count = 0;
  if (i < neurons) {
    for (int j = from; j < to; j++) count += dense[j * neurons + i] != 0;
  }
  return count;
}

__global__ void count_rows(const float* dense, int64_t neurons, int rank, int* counts) {
  __shared__ int room[kRowWarps][gpu::kWarp];
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t i = static_cast<int64_t>(blockIdx.x) * gpu::kWarp + lane;
  room[warp][lane] =
      count_row(dense, neurons, i, first_feature(warp, rank), first_feature(warp + 1, rank));
  __syncthreads();
  if (warp != 0 || i >= neurons) return;
  int count = 0;
  for (int w = 0; w < kRowWarps; w++) count += room[w][lane];
  counts[i] = count;
}

// Where a column has its entry of a neuron that it has one of.
__device__ inline int64_t find_entry(const SparseColumns& columns, int j, int32_t neuron) {
  int64_t low = columns.start[j];
  int64_t high = columns.start[j + 1];
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (columns.index[middle] <= neuron) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

__global__ void fill_rows(const float* dense, int64_t neurons, SparseColumns columns,
                          const int64_t* starts, int32_t* index, float* value, int64_t* entry) {
  __shared__ int room[kRowWarps][gpu::kWarp];
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t i = static_cast<int64_t>(blockIdx.x) * gpu::kWarp + lane;
  const int from = first_feature(warp, columns.rank);
  const int to = first_feature(warp + 1, columns.rank);
  room[warp][lane] = count_row(dense, neurons, i, from, to);
  __syncthreads();
  if (i >= neurons) return;
  int64_t at = starts[i];
  for (int w = 0; w < warp; w++) at += room[w][lane];
  for (int j = from; j < to; j++) {
    const float x = dense[j * neurons + i];
    if (x == 0) continue;
    index[at] = j;
    value[at] = x;
    entry[at] = find_entry(columns, j, static_cast<int32_t>(i));
    at++;
  }
}

// 1 where either is not zero.
__global__ void mark_either(const float* x, const float* y, int64_t size, float* result) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) result[i] = x[i] != 0 || y[i] != 0 ? 1.0f : 0.0f;
}

}  // namespace

SparseColumns sparse_columns(snmf4j_features& z) {
  snmf4j_context& context = *z.context;
  if (!z.columns_valid) {
    const unsigned each = gpu::pieces(z.neurons, kPiece);
    const unsigned rank = static_cast<unsigned>(z.rank);
    const std::size_t size = std::size_t{each} * rank;
    z.column_start.reserve(&context.memory, std::size_t{rank} + 1);
    int64_t* starts = context.room<int64_t>(3, size + (size + 1) / 2);
    int* counts = reinterpret_cast<int*>(starts + size);
    gpu::launch(context.stream, {each, kThreads, 0, rank}, count_columns, z.dense.data(),
                z.neurons, counts);
    gpu::launch(context.stream, {1, kScanThreads}, sum_counts, counts,
                static_cast<int64_t>(size), static_cast<int64_t>(each), z.column_start.data(),
                starts);
    context.stream.download(&z.nonzeros, z.column_start.data() + rank, sizeof z.nonzeros);
    context.stream.finish();
    const auto total = static_cast<std::size_t>(z.nonzeros);
    z.column_index.reserve(&context.memory, total);
    z.column_value.reserve(&context.memory, total);
    gpu::launch(context.stream, {each, kThreads, 0, rank}, fill_columns, z.dense.data(),
                z.neurons, starts, z.column_index.data(), z.column_value.data());
    z.columns_valid = true;
  }
  return {z.rank, z.nonzeros, z.column_start.data(), z.column_index.data(),
          z.column_value.data()};
}

SparseRows sparse_rows(snmf4j_features& z) {
  const SparseColumns columns = sparse_columns(z);
  if (!z.rows_valid) {
    snmf4j_context& context = *z.context;
    const auto total = static_cast<std::size_t>(z.nonzeros);
    const auto neurons = static_cast<std::size_t>(z.neurons);
    z.row_start.reserve(&context.memory, neurons + 1);
    z.row_index.reserve(&context.memory, total);
    z.row_value.reserve(&context.memory, total);
    z.row_entry.reserve(&context.memory, total);
    int* counts = context.room<int>(3, neurons);
    const gpu::Shape shape{gpu::pieces(z.neurons, gpu::kWarp), kRowWarps * gpu::kWarp};
    gpu::launch(context.stream, shape, count_rows, z.dense.data(), z.neurons, z.rank, counts);
    gpu::launch(context.stream, {1, kScanThreads}, sum_counts, counts, z.neurons, int64_t{1},
                z.row_start.data(), static_cast<int64_t*>(nullptr));
    gpu::launch(context.stream, shape, fill_rows, z.dense.data(), z.neurons, columns,
                z.row_start.data(), z.row_index.data(), z.row_value.data(), z.row_entry.data());
    z.rows_valid = true;
    z.widest_row = -1;
  }
  return {z.neurons, z.row_start.data(), z.row_index.data(), z.row_value.data(),
          z.row_entry.data()};
}

snmf4j_features& support_union(snmf4j_features& z, const snmf4j_features& other) {
  if (z.wider == nullptr) {
    z.wider = std::make_unique<snmf4j_features>(z.context, z.neurons, z.rank);
  }
  const auto size = static_cast<int64_t>(z.dense.size());
  gpu::launch(z.context->stream, {gpu::pieces(size, kThreads), kThreads}, mark_either,
              static_cast<const float*>(z.dense.data()), other.dense.data(), size,
              z.wider->dense.data());
  z.wider->changed();
  return *z.wider;
}

bool is_dense(snmf4j_features& z) {
  return sparse_columns(z).nonzeros > z.neurons * z.rank / 4;
}

}  // namespace snmf4j
