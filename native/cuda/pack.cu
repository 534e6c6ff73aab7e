// Packing: rounding, transposing and checking elements on their way into panels.
#include <algorithm>
#include <vector>

#include "collective.hpp"
#include "panels.hpp"
#include "stored.hpp"

namespace snmf4j {
namespace {

constexpr int kThreads = 256;
// Rows that a block packs together.
constexpr int kRows = 8;
// Rows of a square that is transposed in shared memory.
constexpr int kSquare = 32;
// Beyond it float32 does not hold a few squares.
constexpr float kLargest = 4e18f;

// Rounds and stores an element and takes account of it.
template <typename Element>
__device__ inline void put(float x, Element* target, double& squares, int& wrong) {
  const Element stored = narrow<Element>(x);
  *target = stored;
  const float value = widen(stored);
  // A NaN fails the comparison.
  if (!(fabsf(value) <= kLargest)) {
    wrong = 1;
  } else {
    squares += static_cast<double>(value) * value;
  }
}

// All threads of the block.
__device__ inline void report(double squares, int wrong, const Findings& findings) {
  __shared__ double room[kThreads / gpu::kWarp];
  const double sum = block_sum(squares, room);
  const int any = __syncthreads_or(wrong);
  if (threadIdx.x == 0) {
    findings.squares[blockIdx.x] += sum;
    if (any) findings.wrong[blockIdx.x] = 1;
  }
}

// Offset of row 0 of a token.
__device__ inline int64_t token_offset(const PanelShape& shape, int64_t token) {
  return token / shape.width * shape.panel_elements() + token % shape.width;
}

template <typename Element, typename Source>
__global__ void pack_rows_kernel(const Source* source, Piece piece, PanelShape shape,
                                 Element* panels, Findings findings) {
  const int64_t segments = (piece.tokens + kThreads - 1) / kThreads;
  const int64_t bands = (piece.rows + kRows - 1) / kRows;
  double squares = 0;
  int wrong = 0;
  for (int64_t part = blockIdx.x; part < segments * bands; part += gridDim.x) {
    const int64_t t = part % segments * kThreads + threadIdx.x;
    if (t >= piece.tokens) continue;
    const int64_t from = part / segments * kRows;
    const int64_t to = min(from + kRows, piece.rows);
    Element* column = panels + token_offset(shape, piece.token + t);
    for (int64_t i = from; i < to; i++) {
      put(static_cast<float>(source[i * piece.tokens + t]), column + (piece.row + i) * shape.width,
          squares, wrong);
    }
  }
  report(squares, wrong, findings);
}

template <typename Element, typename Source>
__global__ void pack_tokens_kernel(const Source* source, Piece piece, PanelShape shape,
                                   Element* panels, Findings findings) {
  // One column more, so that both walks meet all banks.
  __shared__ float square[kSquare][kTile + 1];
  const int64_t across = (piece.rows + kSquare - 1) / kSquare;
  const int64_t along = (piece.tokens + kTile - 1) / kTile;
  const int thread = static_cast<int>(threadIdx.x);
  double squares = 0;
  int wrong = 0;
  for (int64_t part = blockIdx.x; part < across * along; part += gridDim.x) {
    const int64_t row = part % across * kSquare;
    const int64_t token = part / across * kTile;
    const int column = thread % kSquare;
    for (int t = thread / kSquare; t < kTile; t += kThreads / kSquare) {
      if (row + column < piece.rows && token + t < piece.tokens) {
        square[column][t] =
            static_cast<float>(source[(token + t) * piece.rows + row + column]);
      }
    }
    __syncthreads();
    const int t = thread % kTile;
    for (int i = thread / kTile; i < kSquare; i += kThreads / kTile) {
      if (row + i < piece.rows && token + t < piece.tokens) {
        put(square[i][t],
            panels + token_offset(shape, piece.token + token + t) +
                (piece.row + row + i) * shape.width,
            squares, wrong);
      }
    }
    __syncthreads();
  }
  report(squares, wrong, findings);
}

template <typename Element>
__global__ void unpack_rows_kernel(const Element* panels, PanelShape shape, Piece piece,
                                   float* target) {
  const int64_t segments = (piece.tokens + kThreads - 1) / kThreads;
  const int64_t bands = (piece.rows + kRows - 1) / kRows;
  for (int64_t part = blockIdx.x; part < segments * bands; part += gridDim.x) {
    const int64_t t = part % segments * kThreads + threadIdx.x;
    if (t >= piece.tokens) continue;
    const int64_t from = part / segments * kRows;
    const int64_t to = min(from + kRows, piece.rows);
    const Element* column = panels + token_offset(shape, piece.token + t);
    for (int64_t i = from; i < to; i++) {
      target[i * piece.tokens + t] = widen(column[(piece.row + i) * shape.width]);
    }
  }
}

// A thread copies 16 bytes of a row of a tile; `chunks` are those of a row.
__global__ void copy_tiles_kernel(const uint4* from, PanelShape from_shape, int64_t stride,
                                  uint4* to, PanelShape to_shape, int chunks) {
  const int bytes = chunks * static_cast<int>(sizeof(uint4)) / kTile;
  const int each = static_cast<int>(sizeof(uint4)) / bytes;  // elements
  const int64_t count = to_shape.rows * chunks;
  for (int64_t tile = blockIdx.y; tile < to_shape.tiles(); tile += gridDim.y) {
    const uint4* source = from + from_shape.tile_offset(tile * stride) / each;
    uint4* target = to + to_shape.tile_offset(tile) / each;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
      const int64_t row = i / chunks;
      target[row * (to_shape.width / each) + i % chunks] =
          source[row * (from_shape.width / each) + i % chunks];
    }
  }
}

template <typename Element>
__global__ void squares_kernel(const Element* elements, int64_t pairs, double* sums) {
  __shared__ double room[kThreads / gpu::kWarp];
  double sum = 0;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < pairs;
       i += static_cast<int64_t>(gridDim.x) * blockDim.x) {
    const float2 x = load_pair(elements + 2 * i);
    sum += static_cast<double>(x.x) * x.x + static_cast<double>(x.y) * x.y;
  }
  const double total = block_sum(sum, room);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

unsigned blocks_for(int64_t parts) {
  return static_cast<unsigned>(std::clamp<int64_t>(parts, 1, Findings::kBlocks));
}

unsigned row_blocks(const Piece& piece) {
  return blocks_for((piece.tokens + kThreads - 1) / kThreads * ((piece.rows + kRows - 1) / kRows));
}

// Calls body(element, source) for the two types.
template <typename Body>
void with_types(int element_type, int source_type, const void* source, Body body) {
  with_element(element_type, [&](auto element) {
    if (source_type == SNMF4J_FLOAT32) {
      body(element, static_cast<const float*>(source));
    } else {
      body(element, static_cast<const double*>(source));
    }
  });
}

}  // namespace

void pack_rows(snmf4j_panels& panels, int type, const void* source, const Piece& piece,
               const Findings& findings) {
  with_types(panels.type, type, source, [&](auto element, auto* typed) {
    using Element = decltype(element);
    using Source = std::remove_const_t<std::remove_pointer_t<decltype(typed)>>;
    gpu::launch(panels.context->stream, {row_blocks(piece), kThreads},
                pack_rows_kernel<Element, Source>, typed, piece, panels.shape,
                static_cast<Element*>(seen(panels)), findings);
  });
}

void pack_tokens(snmf4j_panels& panels, int type, const void* source, const Piece& piece,
                 const Findings& findings) {
  const unsigned blocks = blocks_for((piece.rows + kSquare - 1) / kSquare *
                                     ((piece.tokens + kTile - 1) / kTile));
  with_types(panels.type, type, source, [&](auto element, auto* typed) {
    using Element = decltype(element);
    using Source = std::remove_const_t<std::remove_pointer_t<decltype(typed)>>;
    gpu::launch(panels.context->stream, {blocks, kThreads}, pack_tokens_kernel<Element, Source>,
                typed, piece, panels.shape, static_cast<Element*>(seen(panels)), findings);
  });
}

void unpack_rows(const snmf4j_panels& panels, const Piece& piece, float* target) {
  with_element(panels.type, [&](auto element) {
    using Element = decltype(element);
    gpu::launch(panels.context->stream, {row_blocks(piece), kThreads},
                unpack_rows_kernel<Element>, static_cast<const Element*>(seen(panels)),
                panels.shape, piece, target);
  });
}

void copy_tiles(const snmf4j_panels& from, int64_t stride, snmf4j_panels& to) {
  const int chunks = kTile * element_bytes(to.type) / static_cast<int>(sizeof(uint4));
  const int64_t blocks = (to.shape.rows * chunks + kThreads - 1) / kThreads;
  const auto tiles = static_cast<unsigned>(std::min<int64_t>(to.shape.tiles(), 65535));
  gpu::launch(to.context->stream,
              {static_cast<unsigned>(std::min<int64_t>(blocks, 64)), kThreads, 0, tiles},
              copy_tiles_kernel, static_cast<const uint4*>(seen(from)), from.shape, stride,
              static_cast<uint4*>(seen(to)), to.shape, chunks);
}

double sum_squares(const snmf4j_panels& panels) {
  snmf4j_context& context = *panels.context;
  const int64_t pairs = panels.shape.panels * panels.shape.panel_elements() / 2;
  const unsigned blocks = blocks_for((pairs + 8 * kThreads - 1) / (8 * kThreads));
  gpu::Array<double> sums(&context.memory, blocks);
  with_element(panels.type, [&](auto element) {
    using Element = decltype(element);
    gpu::launch(context.stream, {blocks, kThreads}, squares_kernel<Element>,
                static_cast<const Element*>(seen(panels)), pairs, sums.data());
  });
  std::vector<double> parts(blocks);
  context.stream.download(parts.data(), sums.data(), sums.bytes());
  context.stream.finish();
  double total = 0;
  for (double part : parts) total += part;
  return total;
}

}  // namespace snmf4j
