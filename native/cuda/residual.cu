#include "residual.hpp"

#include <vector>

#include "checks.hpp"
#include "collective.hpp"
#include "panels.hpp"
#include "stored.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / gpu::kWarp;
constexpr int kSumThreads = 1024;

// A tile per block; its warps take neurons in turn, two tokens a lane.
template <typename Element>
__global__ void __launch_bounds__(kThreads)
    square_tile(const Element* a, PanelShape shape, SparseRows z, const float* y_panels, int rank,
                double* tokens, double* tiles) {
  __shared__ double room[kWarps][kTile];
  const int lane = static_cast<int>(threadIdx.x) % gpu::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / gpu::kWarp;
  PanelShape y_shape = shape;
  y_shape.rows = rank;
  const float* y = y_panels + y_shape.tile_offset(blockIdx.x) + 2 * lane;
  const Element* tile = a + shape.tile_offset(blockIdx.x) + 2 * lane;
  double first = 0, second = 0;
  for (int64_t i = warp; i < z.neurons; i += kWarps) {
    float2 rest = load_pair(tile + i * shape.width);
    const int64_t end = z.start[i + 1];
    for (int64_t e = z.start[i]; e < end; e++) {
      const float2 coefficients = load_pair(y + z.index[e] * shape.width);
      rest.x -= z.value[e] * coefficients.x;
      rest.y -= z.value[e] * coefficients.y;
    }
    first += static_cast<double>(rest.x) * rest.x;
    second += static_cast<double>(rest.y) * rest.y;
  }
  room[warp][2 * lane] = first;
  room[warp][2 * lane + 1] = second;
  __syncthreads();
  if (warp != 0) return;
  first = second = 0;
  for (int w = 0; w < kWarps; w++) {
    first += room[w][2 * lane];
    second += room[w][2 * lane + 1];
  }
  if (tokens != nullptr) {
    double* own = tokens + static_cast<int64_t>(blockIdx.x) * kTile + 2 * lane;
    own[0] = first;
    own[1] = second;
  }
  const double sum = warp_sum(first + second);
  if (tiles != nullptr && lane == 0) tiles[blockIdx.x] = sum;
}

__global__ void add_up(const double* values, int64_t size, double* result) {
  __shared__ double room[kSumThreads / gpu::kWarp];
  double sum = 0;
  for (int64_t i = threadIdx.x; i < size; i += kSumThreads) sum += values[i];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) *result = sum;
}

}  // namespace

void square_residuals(snmf4j_context& context, int type, const Slab& slab, const SparseRows& rows,
                      const float* y, int rank, double* tokens, double* tiles) {
  with_element(type, [&](auto element) {
    using Element = decltype(element);
    gpu::launch(context.stream, {static_cast<unsigned>(slab.shape.tiles()), kThreads},
                square_tile<Element>, static_cast<const Element*>(slab.data), slab.shape, rows, y,
                rank, tokens, tiles);
  });
}

}  // namespace snmf4j

using namespace snmf4j;

int snmf4j_residual(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_panels* y,
                    double* result) {
  return entry(context_of(a), [&] {
    require_shapes(a, z, y);
    require(result != nullptr, "result must not be null");
    snmf4j_context& context = *a->context;
    renew(*y);
    const SparseRows rows = sparse_rows(*z);
    const int64_t tiles = a->shape.tiles();
    double* sums = context.room<double>(0, static_cast<std::size_t>(tiles) + 1);
    for_each_slab(*a, [&](const Slab& slab) {
      square_residuals(context, a->type, slab, rows,
                       y->floats() + y->shape.tile_offset(slab.first_tile), z->rank, nullptr,
                       sums + slab.first_tile);
    });
    gpu::launch(context.stream, {1, kSumThreads}, add_up, static_cast<const double*>(sums), tiles,
                sums + tiles);
    double total = 0;
    context.stream.download(&total, sums + tiles, sizeof total);
    context.stream.finish();
    *result = total;
  });
}
