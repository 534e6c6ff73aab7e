// What the opaque handles of the C interface point to.
#ifndef SNMF4J_CUDA_HANDLES_HPP
#define SNMF4J_CUDA_HANDLES_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "blas.hpp"
#include "gpu.hpp"
#include "graphs.hpp"
#include "snmf4j/cuda.h"
#include "status.hpp"
#include "threads.hpp"

namespace snmf4j {

// Tokens that kernels take together.
constexpr int kTile = 64;
// Ranks of C are padded to this many floats.
constexpr int kRankStep = 16;
constexpr int kMaxRank = 16384;
// Most tokens of a panel: enough that a dense product over one panel is worth its reading of C.
constexpr int64_t kMaxPanel = 4096;

inline int padded_rank(int rank) { return (rank + kRankStep - 1) / kRankStep * kRankStep; }

// Where the tokens of [rows, tokens] lie: in panels of equal width, row after row inside a panel.
// The last panel is padded with zeros. Passed to kernels.
struct PanelShape {
  int64_t rows = 0;
  int64_t tokens = 0;
  int64_t panels = 0;
  int64_t width = 0;  // tokens of a panel, a multiple of kTile

  __host__ __device__ int64_t tiles() const { return (tokens + kTile - 1) / kTile; }
  __host__ __device__ int64_t panel_elements() const { return rows * width; }
  // Of row 0 at the first token of a tile; neighbouring rows are `width` apart.
  __host__ __device__ int64_t tile_offset(int64_t tile) const {
    const int64_t tiles_each = width / kTile;
    return tile / tiles_each * panel_elements() + tile % tiles_each * kTile;
  }
};

// The fewest panels of at most `max_width` tokens, all of one width.
PanelShape panel_shape(int64_t rows, int64_t tokens, int64_t max_width);

int element_bytes(int type);

}  // namespace snmf4j

struct snmf4j_context {
  explicit snmf4j_context(const snmf4j_cuda_options& options);
  ~snmf4j_context();

  const int device;
  const snmf4j_device facts;
  const int dense;  // SNMF4J_DENSE_*
  const bool graphs;
  const int threads;  // of the host
  snmf4j::gpu::Memory memory;
  snmf4j::gpu::Stream stream;   // of all computation
  snmf4j::gpu::Stream copying;  // of the slabs that stream through the device
  snmf4j::gpu::Stream aside{true};     // of what a pass does beside its main work
  snmf4j::gpu::Event parted, rejoined;  // where that begins and ends
  snmf4j::gpu::Blas blas;
  const int64_t panel_width;  // most tokens of a panel

  // Bytes for work that is done in pieces of any size: `wanted`, or a small share of the memory.
  int64_t piece_bytes(int64_t wanted) const {
    return std::min(wanted, std::max(memory.room() / 64, int64_t{64} << 10));
  }

  // Room that operations share; each uses it as it likes and leaves nothing for the next.
  snmf4j::gpu::Array<unsigned char> scratch[6];
  snmf4j::gpu::Pinned<unsigned char> host_room;
  snmf4j::gpu::Array<unsigned char> slabs[2];  // see slabs.hpp
  snmf4j::Graphs recorded;                     // passes

  // scratch[which] with room for `count` elements.
  template <typename T>
  T* room(int which, std::size_t count) {
    if (count > SIZE_MAX / sizeof(T)) snmf4j::throw_bad_alloc();
    scratch[which].reserve(&memory, count * sizeof(T));
    return reinterpret_cast<T*>(scratch[which].data());
  }

  // Threads of the host, started when they are first asked for.
  snmf4j::ThreadPool& pool();

 private:
  std::unique_ptr<snmf4j::ThreadPool> pool_;
};

// [rows, tokens] on the device, or in pinned memory of the host.
struct snmf4j_panels {
  // On the device if the context's memory has room for it beside what computing needs.
  snmf4j_panels(snmf4j_context* context, int type, int64_t rows, int64_t tokens, bool may_stream);
  ~snmf4j_panels();

  bool streams() const { return on_device.size() == 0; }
  // Of data on the device.
  float* floats() { return reinterpret_cast<float*>(on_device.data()); }
  const float* floats() const { return reinterpret_cast<const float*>(on_device.data()); }
  int64_t bytes() const {
    return shape.panels * shape.panel_elements() * snmf4j::element_bytes(type);
  }

  snmf4j_context* const context;
  const int type;
  const snmf4j::PanelShape shape;
  snmf4j::gpu::Array<unsigned char> on_device;
  snmf4j::gpu::Pinned<unsigned char> on_host;  // if it streams

  // A sample holds copies of its origin's tiles, taken again once the origin has been written to.
  const snmf4j_panels* origin = nullptr;
  int64_t stride = 1;
  int64_t version = 0;  // of the content; a sample's is its origin's when it was copied
};

// Z, dense column by column, and its sparse form.
struct snmf4j_features {
  snmf4j_features(snmf4j_context* context, int64_t neurons, int rank);

  snmf4j_context* const context;
  const int64_t neurons;
  const int rank;
  snmf4j::gpu::Array<float> dense;  // [k][d]

  // `dense` has changed: the sparse forms have to be made anew.
  void changed() { columns_valid = rows_valid = false; }

  // The sparse forms, made as sparse.hpp says; column j's entries, by growing neuron, are
  // [start[j], start[j + 1]).
  bool columns_valid = false;
  bool rows_valid = false;
  int64_t nonzeros = 0;                       // known to the host, too
  snmf4j::gpu::Array<int64_t> column_start;   // [k + 1]
  snmf4j::gpu::Array<int32_t> column_index;   // neuron
  snmf4j::gpu::Array<float> column_value;
  // The same by neuron: row i's entries, by growing feature, are [row_start[i], row_start[i + 1]);
  // `row_entry` is where the column form has them.
  snmf4j::gpu::Array<int64_t> row_start;      // [d + 1]
  snmf4j::gpu::Array<int32_t> row_index;      // feature
  snmf4j::gpu::Array<float> row_value;
  snmf4j::gpu::Array<int64_t> row_entry;
  int widest_row = -1;                        // most entries of a row; -1: to be found

  std::unique_ptr<snmf4j_features> wider;  // see support_union()
};

struct snmf4j_statistics {
  snmf4j_statistics(snmf4j_context* context, int64_t neurons, int rank);

  snmf4j_context* const context;
  const int64_t neurons;
  const int rank;
  const int padded;
  snmf4j::gpu::Array<float> cross;      // C, [d][padded]
  snmf4j::gpu::Array<double> gram;      // G, [k][k]
  snmf4j::gpu::Array<double> row_sums;  // [k]
};

namespace snmf4j {

// Null if there is no handle, which entry() then says.
template <typename Handle>
const snmf4j_context* context_of(const Handle* handle) {
  return handle == nullptr ? nullptr : handle->context;
}

// Runs the body of a C function on the context's device; see guarded().
template <typename Body>
int entry(const snmf4j_context* context, Body body) noexcept {
  return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, [&] {
    require(context != nullptr, "the context, or the handle that leads to it, must not be null");
    gpu::use_device(context->device);
    body();
  });
}

}  // namespace snmf4j

#endif
