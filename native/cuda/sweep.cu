// The sweep over the columns of Z. Columns follow each other, so one block goes through them; what
// all of them have in common, C - ZG, other blocks compute for some columns at a time, and the one
// block keeps it up to date among those.
#include <algorithm>
#include <cmath>

#include "limits.hpp"
#include "select.hpp"
#include "solve.hpp"
#include "sparse.hpp"

using namespace snmf4j;

namespace {

// Columns that are prepared together: a cache line of each row of C.
constexpr int kColumns = 16;
constexpr int kPrepareWarps = 8;
// Threads of the block that sweeps, for few neurons and for many.
constexpr int kFew = 256;
constexpr int kMany = 1024;
constexpr int64_t kFewNeurons = 4096;
// Entries of a column that its largest are chosen from, when few are kept.
constexpr int kCandidates = 2048;

// Passed to kernels.
struct Sweep {
  int64_t neurons;
  int rank;
  int padded;
  const float* cross;
  const double* gram;
  const double* row_sums;
  SparseColumns old;
  float* dense;
  const float* candidates;  // [k][d], not zero where a column may have entries; null for everywhere
  double* targets;          // [kColumns][neurons]; NaN where there may be no entry
  int keep;
  double penalty;
};

// targets[m] = C_j - sum of z_l G_lj over l != j, j = first + m. A block takes a neuron a lane, and
// each of its warps some of the features l.
__global__ void __launch_bounds__(kPrepareWarps* gpu::kWarp)
    prepare_columns(Sweep sweep, int first, int columns) {
  __shared__ double parts[kPrepareWarps][kColumns][gpu::kWarp];
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int64_t some = static_cast<int64_t>(blockIdx.x) * gpu::kWarp;
  const int64_t i = some + lane;
  double sums[kColumns] = {};
  const int last = sweep.rank * (warp + 1) / kPrepareWarps;
  for (int l = sweep.rank * warp / kPrepareWarps; l < last; l++) {
    const float z = i < sweep.neurons ? sweep.dense[l * sweep.neurons + i] : 0;
    if (!__any_sync(gpu::kAllLanes, z != 0)) continue;
    const double* gram = sweep.gram + static_cast<int64_t>(l) * sweep.rank + first;
#pragma unroll
    for (int m = 0; m < kColumns; m++) {
      if (m < columns && l != first + m && z != 0) sums[m] += gram[m] * static_cast<double>(z);
    }
  }
#pragma unroll
  for (int m = 0; m < kColumns; m++) parts[warp][m][lane] = sums[m];
  __syncthreads();
  if (i >= sweep.neurons) return;
  for (int m = warp; m < columns; m += kPrepareWarps) {
    double sum = 0;
    for (int w = 0; w < kPrepareWarps; w++) sum += parts[w][m][lane];
    const int64_t at = (first + m) * sweep.neurons + i;
    const bool allowed =
        sweep.candidates == nullptr || sweep.candidates[at] != 0 || sweep.dense[at] != 0;
    sweep.targets[m * sweep.neurons + i] =
        allowed ? static_cast<double>(sweep.cross[i * sweep.padded + first + m]) - sum : NAN;
  }
}

// What orders entries; 0 for one that may not be.
__device__ inline uint64_t entry_key(const Sweep& sweep, double target) {
  return sweep.candidates != nullptr && isnan(target) ? 0 : magnitude_key(target);
}

// What the sweeping block shares.
struct SweepRoom {
  SelectRoom select;
  uint64_t keys[kCandidates];
  int32_t neurons[kCandidates];  // ~i if neuron i was not chosen
  double sums[gpu::kWarp];
  double gram[kColumns];  // G_jm for the columns m prepared together
};

// Entries that may be among the largest: all that are not zero, or those from a bound on, in order.
struct Candidates {
  int count;
  bool listed;  // in the room; otherwise any neuron's may be one
};

__device__ inline Candidates list_candidates(const Sweep& sweep, const double* target, int neurons,
                                             int keep, SweepRoom& room) {
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  const int warps = static_cast<int>(blockDim.x) / gpu::kWarp;
  // Each warp has neighbouring neurons, a lane every 32nd of them.
  const int each = (neurons + warps * gpu::kWarp - 1) / (warps * gpu::kWarp) * gpu::kWarp;
  const int first = warp * each;
  const int last = min(first + each, neurons);
  uint64_t bound = 1;
  if (keep <= static_cast<int>(blockDim.x) / 2) {
    // As many of the threads' largest are at least the keep-th largest of these.
    uint64_t largest = 0;
    for (int i = first + lane; i < last; i += gpu::kWarp) {
      largest = max(largest, entry_key(sweep, target[i]));
    }
    const Selected<uint64_t> selected = select_largest<uint64_t>(
        static_cast<int>(blockDim.x), keep, 63, 2, [=](int) { return largest; }, room.select);
    bound = max(bound, selected.bound);
  }
  int count = 0;
  for (int some = first; some < last; some += gpu::kWarp) {
    const bool is = some + lane < last && entry_key(sweep, target[some + lane]) >= bound;
    count += __popc(__ballot_sync(gpu::kAllLanes, is));
  }
  Candidates result;
  int at = block_prefix(lane == 0 ? count : 0, room.select.sums, result.count);
  at = __shfl_sync(gpu::kAllLanes, at, 0);
  result.listed = result.count <= kCandidates;
  if (result.listed) {
    for (int some = first; some < last; some += gpu::kWarp) {
      const uint64_t key = some + lane < last ? entry_key(sweep, target[some + lane]) : 0;
      const unsigned found = __ballot_sync(gpu::kAllLanes, key >= bound);
      if (key >= bound) {
        const int own = at + __popc(found & ((1u << lane) - 1));
        room.keys[own] = key;
        room.neurons[own] = some + lane;
      }
      at += __popc(found);
    }
  }
  __syncthreads();
  return result;
}

// Subtracts factor * z_j's part of the targets of the `rest` columns after j, for a neuron.
__device__ inline void subtract(const Sweep& sweep, int m, int64_t i, double z, double gram) {
  if (gram != 0) sweep.targets[m * sweep.neurons + i] -= gram * z;
}

// One block: columns first … first + columns - 1 of Z, one after the other.
__global__ void __launch_bounds__(kMany) sweep_columns(Sweep sweep, int first, int columns) {
  __shared__ SweepRoom room;
  const int threads = static_cast<int>(blockDim.x);
  const int t = static_cast<int>(threadIdx.x);
  const int neurons = static_cast<int>(sweep.neurons);
  // Where entries are few, a thread takes one of them for one column.
  const int entry = t / kColumns;
  const int entries = threads / kColumns;
  for (int m = 0; m < columns; m++) {
    const int j = first + m;
    const double* target = sweep.targets + m * sweep.neurons;
    float* column = sweep.dense + j * sweep.neurons;
    if (t < columns) room.gram[t] = sweep.gram[static_cast<int64_t>(j) * sweep.rank + first + t];
    __syncthreads();
    const double curvature = room.gram[m];
    const int later = m + 1 + t % kColumns;
    const double own_gram = later < columns ? room.gram[later] : 0;
    for (int64_t e = sweep.old.start[j] + entry; e < sweep.old.start[j + 1]; e += entries) {
      const int32_t i = sweep.old.index[e];
      if (t % kColumns == 0) column[i] = 0;
      if (later < columns) {
        subtract(sweep, later, i, -static_cast<double>(sweep.old.value[e]), own_gram);
      }
    }
    if (!(curvature > 0)) {
      __syncthreads();
      continue;
    }
    const Candidates candidates = list_candidates(sweep, target, neurons, sweep.keep, room);
    Selected<uint64_t> selected{1, kAllTies};
    if (candidates.count > sweep.keep) {
      selected = candidates.listed
                     ? select_largest<uint64_t>(
                           candidates.count, sweep.keep, 63, kAllPasses,
                           [&](int c) { return room.keys[c]; }, room.select)
                     : select_largest<uint64_t>(
                           neurons, sweep.keep, 63, kAllPasses,
                           [=](int i) { return entry_key(sweep, target[i]); }, room.select);
    }
    // Marks what is chosen: in the list, or in the column itself.
    const int size = candidates.listed ? candidates.count : neurons;
    double square = 0;
    int tied = 0;
    for (int some = 0; some < size; some += threads) {
      const int c = some + t;
      const int i = c < size ? (candidates.listed ? room.neurons[c] : c) : 0;
      const double b = c < size ? target[i] : 0;
      const uint64_t key = entry_key(sweep, b);
      bool chosen = key >= selected.bound && key != 0;
      if (selected.ties != kAllTies) {
        const bool ties = c < size && key == selected.bound;
        int all = 0;
        const int before = tied + block_prefix(ties ? 1 : 0, room.select.sums, all);
        chosen = chosen && (!ties || before < selected.ties);
        tied += all;
      }
      if (chosen) square += b * b;
      if (c < size) {
        if (candidates.listed) {
          room.neurons[c] = chosen ? i : ~i;
        } else {
          column[i] = chosen ? 1 : 0;
        }
      }
    }
    square = block_sum(square, room.sums);
    const double norm = sqrt(square);
    const double length = norm - sweep.penalty * sweep.row_sums[j];
    const double factor = length > 0 ? length / norm / curvature : 0;
    if (candidates.listed) {
      for (int c = entry; c < size && length > 0; c += entries) {
        const int32_t i = room.neurons[c];
        if (i < 0) continue;
        const auto z = static_cast<float>(target[i] * factor);
        if (t % kColumns == 0) column[i] = z;
        if (later < columns) subtract(sweep, later, i, z, own_gram);
      }
    } else {
      for (int i = t; i < neurons; i += threads) {
        if (column[i] == 0) continue;
        const auto z = static_cast<float>(length > 0 ? target[i] * factor : 0);
        column[i] = z;
        for (int after = m + 1; after < columns; after++) {
          subtract(sweep, after, i, z, room.gram[after]);
        }
      }
    }
    __syncthreads();
  }
}

void sweep_all(const snmf4j_statistics& s, snmf4j_features& z, const float* candidates, int64_t keep,
               double penalty) {
  require(keep >= 1 && keep <= z.neurons, "keep must be between 1 and the neurons");
  require_penalty(penalty);
  snmf4j_context& context = *z.context;
  Sweep sweep{};
  sweep.neurons = z.neurons;
  sweep.rank = z.rank;
  sweep.padded = s.padded;
  sweep.cross = s.cross.data();
  sweep.gram = s.gram.data();
  sweep.row_sums = s.row_sums.data();
  sweep.old = sparse_columns(z);
  sweep.dense = z.dense.data();
  sweep.candidates = candidates;
  sweep.targets = context.room<double>(0, static_cast<std::size_t>(kColumns * z.neurons));
  sweep.keep = static_cast<int>(keep);
  sweep.penalty = penalty;
  z.changed();
  const unsigned threads = z.neurons <= kFewNeurons ? kFew : kMany;
  for (int first = 0; first < z.rank; first += kColumns) {
    const int columns = std::min(kColumns, z.rank - first);
    gpu::launch(context.stream,
                {gpu::pieces(z.neurons, gpu::kWarp), kPrepareWarps * gpu::kWarp},
                prepare_columns, sweep, first, columns);
    gpu::launch(context.stream, {1, threads}, sweep_columns, sweep, first, columns);
  }
}

}  // namespace

int snmf4j_sweep_columns(const snmf4j_statistics* s, snmf4j_features* z, int64_t keep,
                         double penalty) {
  return entry(context_of(s), [&] {
    require_solvable(s, z);
    sweep_all(*s, *z, nullptr, keep, penalty);
  });
}

int snmf4j_sweep_candidates(const snmf4j_statistics* s, snmf4j_features* z,
                            snmf4j_features* candidates, int64_t keep, double penalty) {
  return entry(context_of(s), [&] {
    require_solvable(s, z);
    require_solvable(s, candidates);
    require(candidates != z, "the candidates must be other features");
    sweep_all(*s, *z, candidates->dense.data(), keep, penalty);
  });
}
