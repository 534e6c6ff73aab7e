// G = YY' and the sums of Y's rows: the tokens are split over blocks, each of which sums a tile of
// G in float32 over 256 tokens at a time and in float64 over those; the blocks' sums are added
// in their order.
#include "gram.hpp"

#include <algorithm>

namespace snmf4j {
namespace {

// A block computes kEdge by kEdge products, a thread kHigh by kWide of them, from kStage tokens at
// a time.
constexpr int kEdge = 64;
constexpr int kHigh = 8;
constexpr int kWide = 4;
constexpr int kThreads = kEdge / kHigh * (kEdge / kWide);
constexpr int kStage = 16;
constexpr int kTileStages = kTile / kStage;
// Tokens that are summed in float32: so many stages.
constexpr int kFlushed = 256 / kStage;
// Of a stage's row, in units of four floats; one more than it has keeps banks apart.
constexpr int kPitch = kEdge / 4 + 1;
constexpr int kElements = kEdge * kEdge;
// Bytes of all blocks' sums together: more tiles are done in several launches.
constexpr int64_t kMostSums = int64_t{64} << 20;
// Blocks for each multiprocessor.
constexpr int kBlocksEach = 3;
// The last sum: a block adds up so many elements, with several threads for each.
constexpr int kSummed = 64;
constexpr int kSummers = 4;

struct Tile {
  int row, column;  // in units of kEdge; not above the diagonal
};

// Tiles below the diagonal, row after row.
__host__ __device__ inline Tile tile_of(int64_t pair) {
  auto row = static_cast<int64_t>((sqrt(8.0 * static_cast<double>(pair) + 1) - 1) / 2);
  while (row * (row + 1) / 2 > pair) row--;
  while ((row + 1) * (row + 2) / 2 <= pair) row++;
  return {static_cast<int>(row), static_cast<int>(pair - row * (row + 1) / 2)};
}

// A sum whose rounding errors are kept, too.
struct Compensated {
  float sum = 0, rest = 0;
  __device__ void add(float x) {
    const float total = sum + x;
    const float part = total - sum;
    rest += (sum - (total - part)) + (x - part);
    sum = total;
  }
  __device__ double value() const { return static_cast<double>(sum) + rest; }
};

// Four tokens of one row of Y for each of two tiles' rows; twice.
struct Fetched {
  float4 left[2], right[2];
};

__device__ inline void put(float4 (*stage)[kPitch], int row, int token, const float4& values) {
  float* target = reinterpret_cast<float*>(stage[token]) + row;
  constexpr int kNext = kPitch * 4;
  target[0] = values.x;
  target[kNext] = values.y;
  target[2 * kNext] = values.z;
  target[3 * kNext] = values.w;
}

// sums: [pair][split][kEdge][kEdge]; row_sums: [split][rows, padded to kEdge].
__global__ void __launch_bounds__(kThreads)
    gram_tiles(const float* y, PanelShape shape, int64_t first_pair, double* sums,
               double* row_sums) {
  __shared__ float4 left[2][kStage][kPitch];
  __shared__ float4 right[2][kStage][kPitch];
  const Tile tile = tile_of(first_pair + blockIdx.x);
  const int64_t splits = gridDim.y;
  const int64_t split = blockIdx.y;
  const int64_t first = shape.tiles() * split / splits;
  const int64_t stages = (shape.tiles() * (split + 1) / splits - first) * kTileStages;
  const bool diagonal = tile.row == tile.column;
  const int t = static_cast<int>(threadIdx.x);
  // Two threads bring a row's sixteen tokens.
  const int row = t / 2;
  const int part = t % 2 * 4;
  const int64_t left_row = static_cast<int64_t>(tile.row) * kEdge + row;
  const int64_t right_row = static_cast<int64_t>(tile.column) * kEdge + row;
  const auto fetch = [&](int64_t s, Fetched& fetched) {
    const float* from = y + shape.tile_offset(first + s / kTileStages) +
                        s % kTileStages * kStage + part;
    const float4 zero = make_float4(0, 0, 0, 0);
    const auto* l = reinterpret_cast<const float4*>(from + left_row * shape.width);
    const auto* r = reinterpret_cast<const float4*>(from + right_row * shape.width);
    fetched.left[0] = left_row < shape.rows ? l[0] : zero;
    fetched.left[1] = left_row < shape.rows ? l[2] : zero;
    fetched.right[0] = right_row < shape.rows ? r[0] : zero;
    fetched.right[1] = right_row < shape.rows ? r[2] : zero;
  };
  const int high = t / (kEdge / kWide);
  const int wide = t % (kEdge / kWide);
  float some[kHigh][kWide] = {};
  double total[kHigh][kWide] = {};
  Compensated some_row;
  double total_row = 0;
  Fetched fetched;
  const auto store = [&](int buffer) {
    put(left[buffer], row, part, fetched.left[0]);
    put(left[buffer], row, part + 8, fetched.left[1]);
    put(right[buffer], row, part, fetched.right[0]);
    put(right[buffer], row, part + 8, fetched.right[1]);
    if (!diagonal) return;
    for (const float4& x : fetched.left) {
      some_row.add(x.x);
      some_row.add(x.y);
      some_row.add(x.z);
      some_row.add(x.w);
    }
  };
  const auto flush = [&] {
#pragma unroll
    for (int i = 0; i < kHigh; i++) {
#pragma unroll
      for (int j = 0; j < kWide; j++) {
        total[i][j] += static_cast<double>(some[i][j]);
        some[i][j] = 0;
      }
    }
    total_row += some_row.value();
    some_row = Compensated{};
  };
  if (stages > 0) {
    fetch(0, fetched);
    store(0);
  }
  __syncthreads();
  for (int64_t s = 0; s < stages; s++) {
    const int buffer = static_cast<int>(s % 2);
    if (s + 1 < stages) fetch(s + 1, fetched);
#pragma unroll
    for (int token = 0; token < kStage; token++) {
      const float4 a0 = left[buffer][token][high * 2];
      const float4 a1 = left[buffer][token][high * 2 + 1];
      const float4 b = right[buffer][token][wide];
      const float a[kHigh] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
#pragma unroll
      for (int i = 0; i < kHigh; i++) {
        some[i][0] += a[i] * b.x;
        some[i][1] += a[i] * b.y;
        some[i][2] += a[i] * b.z;
        some[i][3] += a[i] * b.w;
      }
    }
    if (s % kFlushed == kFlushed - 1) flush();
    if (s + 1 < stages) store(1 - buffer);
    __syncthreads();
  }
  flush();
  double* target = sums + (static_cast<int64_t>(blockIdx.x) * splits + split) * kElements;
#pragma unroll
  for (int i = 0; i < kHigh; i++) {
#pragma unroll
    for (int j = 0; j < kWide; j++) {
      target[(high * kHigh + i) * kEdge + wide * kWide + j] = total[i][j];
    }
  }
  if (!diagonal) return;
  total_row += __shfl_xor_sync(gpu::kAllLanes, total_row, 1);
  if (part == 0) {
    const int64_t height = (shape.rows + kEdge - 1) / kEdge * kEdge;
    row_sums[split * height + left_row] = total_row;
  }
}

// Blocks of one tile's elements: kSummers threads each add up some of the splits' sums, then one
// adds those.
__global__ void add_tiles(const double* sums, int splits, int64_t first_pair, int rank,
                          double* gram) {
  __shared__ double parts[kSummers][kSummed];
  constexpr int kBlocks = kElements / kSummed;
  const int64_t pair = blockIdx.x / kBlocks;
  const int own = static_cast<int>(threadIdx.x) % kSummed;
  const int part = static_cast<int>(threadIdx.x) / kSummed;
  const int element = static_cast<int>(blockIdx.x % kBlocks) * kSummed + own;
  const double* from = sums + pair * splits * kElements + element;
  double sum = 0;
  const int last = splits * (part + 1) / kSummers;
#pragma unroll 4
  for (int s = splits * part / kSummers; s < last; s++) {
    sum += from[static_cast<int64_t>(s) * kElements];
  }
  parts[part][own] = sum;
  __syncthreads();
  if (part != 0) return;
  for (int p = 1; p < kSummers; p++) sum += parts[p][own];
  const Tile tile = tile_of(first_pair + pair);
  const int64_t i = static_cast<int64_t>(tile.row) * kEdge + element / kEdge;
  const int64_t j = static_cast<int64_t>(tile.column) * kEdge + element % kEdge;
  if (i >= rank || j > i) return;
  const double rounded = static_cast<float>(sum);
  gram[i * rank + j] = rounded;
  gram[j * rank + i] = rounded;
}

__global__ void add_row_sums(const double* parts, int splits, int64_t height, int rank,
                             double* row_sums) {
  const int j = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (j >= rank) return;
  double sum = 0;
  // So many loads do not wait for each other.
#pragma unroll 16
  for (int s = 0; s < splits; s++) sum += parts[s * height + j];
  row_sums[j] = static_cast<float>(sum);
}

}  // namespace

void gram_and_row_sums(snmf4j_context& context, gpu::Stream& stream, const snmf4j_panels& y,
                       snmf4j_statistics& statistics) {
  const int rank = statistics.rank;
  const int64_t edges = (rank + kEdge - 1) / kEdge;
  const int64_t pairs = edges * (edges + 1) / 2;
  // No more blocks than run at the same time: a few that come last take as long as all others.
  const int64_t wanted = int64_t{kBlocksEach} * context.facts.multiprocessors / pairs;
  constexpr int64_t kTileBytes = kElements * static_cast<int64_t>(sizeof(double));
  const int64_t most = std::max<int64_t>(context.piece_bytes(kMostSums) / kTileBytes, 1);
  const int splits = static_cast<int>(
      std::clamp<int64_t>(wanted, 1, std::min(most, y.shape.tiles())));
  const auto height = static_cast<std::size_t>(edges * kEdge);
  const int64_t each = std::clamp<int64_t>(most / splits, 1, pairs);
  const std::size_t size = static_cast<std::size_t>(each * splits) * kElements;
  double* sums = context.room<double>(2, size + height * static_cast<std::size_t>(splits));
  double* row_sums = sums + size;
  for (int64_t pair = 0; pair < pairs; pair += each) {
    const int64_t count = std::min(each, pairs - pair);
    gpu::launch(stream,
                {static_cast<unsigned>(count), kThreads, 0, static_cast<unsigned>(splits)},
                gram_tiles, y.floats(), y.shape, pair, sums, row_sums);
    gpu::launch(stream,
                {static_cast<unsigned>(count * (kElements / kSummed)), kSummed * kSummers},
                add_tiles, static_cast<const double*>(sums), splits, pair, rank,
                statistics.gram.data());
  }
  constexpr int kRowThreads = 128;
  gpu::launch(stream, {gpu::pieces(rank, kRowThreads), kRowThreads}, add_row_sums,
              static_cast<const double*>(row_sums), splits, static_cast<int64_t>(height), rank,
              statistics.row_sums.data());
}

}  // namespace snmf4j
