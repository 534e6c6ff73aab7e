// Least squares of Z on its support: a small system for each neuron.
#include <algorithm>
#include <cmath>

#include "collective.hpp"
#include "limits.hpp"
#include "solve.hpp"
#include "sparse.hpp"

using namespace snmf4j;

namespace {

// Rows of up to so many entries are solved by a warp each, longer ones by a block each.
constexpr int kShort = gpu::kWarp;
constexpr int kWarps = 4;
constexpr int kPitch = kShort + 1;
constexpr int kThreads = 256;
// Blocks for each multiprocessor that share the longer rows, and bytes for their systems where these
// do not fit into shared memory.
constexpr int64_t kBlocksEach = 16;
constexpr int64_t kSystems = int64_t{256} << 20;
// What the device needs of a block's shared memory for itself, and for our fixed arrays.
constexpr std::size_t kReserved = 2048;

// The least ridge, and beyond what multiple of a system's largest entry there is none.
constexpr double kRidge = 1e-12;
constexpr double kLeastRidge = 2.3e-308;
constexpr double kMostRidge = 1e3;
constexpr double kLeastLargest = 1e-300;

// What a refit came upon, on the device.
struct Facts {
  int widest;  // most entries of a row
  int failed;  // a system is not positive definite
  int zeros;   // an entry has become zero
};

// Passed to kernels.
struct Refit {
  int64_t neurons;
  int rank;
  int padded;
  const float* cross;
  const double* gram;
  const double* diagonal;
  const int64_t* start;  // of Z's rows
  const int32_t* index;
  const int64_t* entry;
  float* row_value;
  float* column_value;
  float* dense;
  double relaxation;
  Facts* facts;
};

__device__ inline bool next_ridge(double& ridge, double largest) {
  ridge *= 10;
  return ridge <= kMostRidge * max(largest, kLeastLargest) && isfinite(ridge);
}

__device__ inline void store(const Refit& refit, int64_t neuron, int64_t at, double x) {
  const double old = refit.row_value[at];
  const auto value = static_cast<float>(old + refit.relaxation * (x - old));
  refit.dense[refit.index[at] * refit.neurons + neuron] = value;
  refit.row_value[at] = value;
  refit.column_value[refit.entry[at]] = value;
  if (value == 0) refit.facts->zeros = 1;
}

// diagonal[j] = penalty * rowsum_j / |z_j|; a block per column.
__global__ void weigh_columns(SparseColumns columns, const double* row_sums, double penalty,
                              double* diagonal) {
  __shared__ double room[gpu::kWarp];
  const int j = static_cast<int>(blockIdx.x);
  double square = 0;
  for (int64_t e = columns.start[j] + threadIdx.x; e < columns.start[j + 1]; e += blockDim.x) {
    const double z = columns.value[e];
    square += z * z;
  }
  square = block_sum(square, room);
  if (threadIdx.x == 0) diagonal[j] = square > 0 ? penalty * row_sums[j] / sqrt(square) : 0;
}

__global__ void find_widest(const int64_t* start, int64_t neurons, Facts* facts) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  int width = i < neurons ? static_cast<int>(start[i + 1] - start[i]) : 0;
  for (int d = gpu::kWarp / 2; d > 0; d /= 2) {
    width = max(width, __shfl_xor_sync(gpu::kAllLanes, width, d));
  }
  if (threadIdx.x % gpu::kWarp == 0) atomicMax(&facts->widest, width);
}

// Factors the system of a row of m entries, of which each lane has one, in place: unit triangle L,
// and on the diagonal the reciprocals of D in LDL'. A column is subtracted from all later ones at
// once, so that no subtraction waits for the one before.
__device__ inline bool factor_short(double (*matrix)[kPitch], int m) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  for (int j = 0; j < m; j++) {
    const double pivot = matrix[j][j];
    if (!(pivot > 0)) return false;
    const double reciprocal = 1 / pivot;
    const bool later = lane > j && lane < m;
    const double left = later ? matrix[lane][j] : 0;
    const double scaled = left * reciprocal;
#pragma unroll 4
    for (int q = j + 1; q < m; q++) {
      const double other = __shfl_sync(gpu::kAllLanes, scaled, q);
      if (later && q <= lane) matrix[lane][q] -= left * other;
    }
    if (later) matrix[lane][j] = scaled;
    // The pivot is overwritten when all have read it, and read when it has been written.
    __syncwarp();
    if (lane == j) matrix[j][j] = reciprocal;
  }
  __syncwarp();
  return true;
}

__device__ inline double solve_short(const double (*matrix)[kPitch], int m, double x) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  for (int p = 0; p < m; p++) {
    const double solved = __shfl_sync(gpu::kAllLanes, x, p);
    if (lane > p && lane < m) x -= matrix[lane][p] * solved;
  }
  if (lane < m) x *= matrix[lane][lane];
  for (int p = m - 1; p >= 0; p--) {
    const double solved = __shfl_sync(gpu::kAllLanes, x, p);
    if (lane < p) x -= matrix[p][lane] * solved;
  }
  return x;
}

__global__ void __launch_bounds__(kWarps* gpu::kWarp) refit_short(Refit refit) {
  __shared__ double room[kWarps][kShort][kPitch];
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t neuron = static_cast<int64_t>(blockIdx.x) * kWarps + warp;
  if (neuron >= refit.neurons) return;
  const int64_t first = refit.start[neuron];
  const int64_t entries = refit.start[neuron + 1] - first;
  if (entries == 0 || entries > kShort) return;
  const int m = static_cast<int>(entries);
  double(*matrix)[kPitch] = room[warp];
  const int own = lane < m ? refit.index[first + lane] : 0;
  const double* gram = refit.gram + static_cast<int64_t>(own) * refit.rank;
  const double size = lane < m ? gram[own] : 0;
  const double weight = lane < m ? refit.diagonal[own] : 0;
  double largest = size > 0 ? size : 0;
  for (int d = gpu::kWarp / 2; d > 0; d /= 2) {
    largest = max(largest, __shfl_xor_sync(gpu::kAllLanes, largest, d));
  }
  double ridge = max(kRidge * largest, kLeastRidge);
  while (true) {
#pragma unroll 8
    for (int j = 0; j < m; j++) {
      const int other = __shfl_sync(gpu::kAllLanes, own, j);
      if (j <= lane && lane < m) matrix[lane][j] = gram[other];
    }
    if (lane < m) matrix[lane][lane] = size + weight + ridge;
    __syncwarp();
    if (factor_short(matrix, m)) break;
    if (!next_ridge(ridge, largest)) {
      refit.facts->failed = 1;
      return;
    }
    __syncwarp();
  }
  const double c = lane < m ? refit.cross[neuron * refit.padded + own] : 0;
  const double x = solve_short(matrix, m, c);
  if (lane < m) store(refit, neuron, first + lane, x);
}

// Where a row of a lower triangle begins.
__device__ inline int64_t triangle(int64_t row) { return row * (row + 1) / 2; }

__device__ inline double block_max(double x, double* room) {
  for (int d = gpu::kWarp / 2; d > 0; d /= 2) {
    x = max(x, __shfl_xor_sync(gpu::kAllLanes, x, d));
  }
  if (threadIdx.x % gpu::kWarp == 0) room[threadIdx.x / gpu::kWarp] = x;
  __syncthreads();
  for (unsigned w = 0; w < blockDim.x / gpu::kWarp; w++) x = max(x, room[w]);
  __syncthreads();
  return x;
}

// Factors a system, [m] rows of a lower triangle, in place and solves it up to L'; false if it is
// not positive definite. A block.
__device__ inline bool factor_long(double* matrix, int m, double* x) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int t = static_cast<int>(threadIdx.x);
  for (int p = 0; p < m; p++) {
    const double pivot = matrix[triangle(p) + p];
    if (!(pivot > 0)) return false;
    const double scale = 1 / sqrt(pivot);
    for (int i = p + 1 + t; i < m; i += kThreads) matrix[triangle(i) + p] *= scale;
    if (t == 0) x[p] *= scale;
    __syncthreads();
    for (int i = p + 1 + warp; i < m; i += kThreads / gpu::kWarp) {
      double* row = matrix + triangle(i);
      const double left = row[p];
      for (int j = p + 1 + lane; j <= i; j += gpu::kWarp) row[j] -= left * matrix[triangle(j) + p];
      if (lane == 0) x[i] -= left * x[p];
    }
    // Only its inverse is asked for later.
    if (t == 0) matrix[triangle(p) + p] = scale;
    __syncthreads();
  }
  return true;
}

__device__ inline void solve_long(const double* matrix, int m, double* x) {
  const int t = static_cast<int>(threadIdx.x);
  for (int p = m - 1; p >= 0; p--) {
    const double* row = matrix + triangle(p);
    const double solved = x[p] * row[p];
    for (int i = t; i < p; i += kThreads) x[i] -= row[i] * solved;
    __syncthreads();
    if (t == 0) x[p] = solved;
  }
  __syncthreads();
}

// Rows that are too long for a warp. `systems`, [blocks][size], holds what is solved, unless it fits
// into shared memory.
template <bool kInShared>
__global__ void __launch_bounds__(kThreads) refit_long(Refit refit, int64_t size, double* systems) {
  __shared__ double room[gpu::kWarp];
  SNMF4J_SHARED(double, shared);
  double* matrix = kInShared ? shared : systems + blockIdx.x * size;
  const int t = static_cast<int>(threadIdx.x);
  for (int64_t neuron = blockIdx.x; neuron < refit.neurons; neuron += gridDim.x) {
    const int64_t first = refit.start[neuron];
    const int m = static_cast<int>(refit.start[neuron + 1] - first);
    if (m <= kShort) continue;
    const int32_t* index = refit.index + first;
    double* x = matrix + triangle(m);
    double largest = 0;
    for (int i = t; i < m; i += kThreads) {
      const double entry = refit.gram[static_cast<int64_t>(index[i]) * refit.rank + index[i]];
      if (entry > largest) largest = entry;
    }
    largest = block_max(largest, room);
    double ridge = max(kRidge * largest, kLeastRidge);
    bool solved = false;
    do {
      for (int i = t / gpu::kWarp; i < m; i += kThreads / gpu::kWarp) {
        const double* gram = refit.gram + static_cast<int64_t>(index[i]) * refit.rank;
        for (int j = t % gpu::kWarp; j <= i; j += gpu::kWarp) {
          const double more = i == j ? refit.diagonal[index[i]] + ridge : 0;
          matrix[triangle(i) + j] = gram[index[j]] + more;
        }
      }
      for (int i = t; i < m; i += kThreads) {
        x[i] = refit.cross[neuron * refit.padded + index[i]];
      }
      __syncthreads();
      solved = factor_long(matrix, m, x);
      __syncthreads();
    } while (!solved && next_ridge(ridge, largest));
    if (solved) {
      solve_long(matrix, m, x);
      // Unrolled, this takes registers from what comes before.
#pragma unroll 1
      for (int i = t; i < m; i += kThreads) store(refit, neuron, first + i, x[i]);
    } else if (t == 0) {
      refit.facts->failed = 1;
    }
    __syncthreads();
  }
}

// All rows are full, so that all have the same system.
void refit_full(const snmf4j_statistics& s, const double* weights, snmf4j_features& z) {
  double largest = 0;
  for (const double entry : gram_diagonal(s)) largest = std::max(largest, entry);
  const auto order = static_cast<std::size_t>(s.rank);
  double* inverse = s.context->room<double>(1, order * order);
  double ridge = std::max(kRidge * largest, kLeastRidge);
  while (!invert_ridge(s, ridge, weights, inverse)) {
    ridge *= 10;
    if (!(ridge <= kMostRidge * std::max(largest, kLeastLargest)) || !std::isfinite(ridge)) {
      throw Error(SNMF4J_NON_FINITE, "no ridge makes the rows' system positive definite");
    }
  }
  solve_all(s, inverse, z);
}

void launch_long(snmf4j_context& context, const Refit& refit, int widest) {
  const auto m = static_cast<int64_t>(widest);
  const int64_t size = m * (m + 1) / 2 + m;
  const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(double);
  const int64_t most =
      std::min(refit.neurons, kBlocksEach * int64_t{context.facts.multiprocessors});
  if (bytes + kReserved <= static_cast<std::size_t>(context.facts.shared_bytes)) {
    gpu::launch(context.stream, {static_cast<unsigned>(most), kThreads, bytes}, refit_long<true>,
                refit, size, static_cast<double*>(nullptr));
    return;
  }
  const int64_t blocks = std::clamp<int64_t>(
      context.piece_bytes(kSystems) / static_cast<int64_t>(bytes), 1, most);
  double* systems = context.room<double>(0, static_cast<std::size_t>(blocks * size));
  gpu::launch(context.stream, {static_cast<unsigned>(blocks), kThreads}, refit_long<false>, refit,
              size, systems);
}

}  // namespace

int snmf4j_refit(const snmf4j_statistics* s, snmf4j_features* z, double penalty,
                 double relaxation) {
  return entry(context_of(s), [&] {
    require_solvable(s, z);
    require_penalty(penalty);
    require_relaxation(relaxation);
    snmf4j_context& context = *z->context;
    const SparseRows rows = sparse_rows(*z);
    const SparseColumns columns = sparse_columns(*z);
    double* weights = context.room<double>(4, static_cast<std::size_t>(z->rank) + 2);
    Facts* facts = reinterpret_cast<Facts*>(weights + z->rank);
    context.stream.clear(weights, static_cast<std::size_t>(z->rank + 2) * sizeof(double));
    if (penalty > 0) {
      gpu::launch(context.stream, {static_cast<unsigned>(z->rank), kThreads}, weigh_columns,
                  columns, s->row_sums.data(), penalty, weights);
    }
    // One system for all neurons, whose solution takes the place of the features.
    if (relaxation == 1 && z->rank > kShort && z->nonzeros == z->neurons * z->rank) {
      z->changed();
      refit_full(*s, weights, *z);
      return;
    }
    Facts found{};
    if (z->widest_row < 0) {
      gpu::launch(context.stream, {gpu::pieces(z->neurons, kThreads), kThreads}, find_widest,
                  rows.start, rows.neurons, facts);
      context.stream.download(&found, facts, sizeof found);
      context.stream.finish();
      z->widest_row = found.widest;
    }
    const Refit refit{z->neurons,
                      z->rank,
                      s->padded,
                      s->cross.data(),
                      s->gram.data(),
                      weights,
                      rows.start,
                      rows.index,
                      rows.entry,
                      z->row_value.data(),
                      z->column_value.data(),
                      z->dense.data(),
                      relaxation,
                      facts};
    z->changed();
    gpu::launch(context.stream, {gpu::pieces(z->neurons, kWarps), kWarps * gpu::kWarp},
                refit_short, refit);
    if (z->widest_row > kShort) launch_long(context, refit, z->widest_row);
    context.stream.download(&found, facts, sizeof found);
    context.stream.finish();
    if (found.failed != 0) {
      throw Error(SNMF4J_NON_FINITE, "no ridge makes a row's system positive definite");
    }
    // Only values have changed, unless an entry has left the support.
    z->columns_valid = z->rows_valid = found.zeros == 0;
  });
}
