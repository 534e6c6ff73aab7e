#include "dense.hpp"

#include <algorithm>

#include "stored.hpp"

namespace snmf4j {
namespace {

using gpu::Element;
using gpu::Operation;

constexpr int kThreads = 256;
// Bytes of A that are widened at a time; the product of so many is long beside its start.
constexpr int64_t kWidened = int64_t{64} << 20;

template <typename Stored>
__global__ void widen_elements(const Stored* from, int64_t size, float* to) {
  const int64_t i = 2 * (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x);
  if (i >= size) return;
  *reinterpret_cast<float2*>(to + i) = load_pair(from + i);
}

__global__ void split_elements(const float* from, int64_t size, BFloat* high, BFloat* low) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= size) return;
  const float x = from[i];
  const BFloat upper = narrow<BFloat>(x);
  high[i] = upper;
  low[i] = narrow<BFloat>(x - widen(upper));
}

bool splits(const snmf4j_context& context, int type) {
  return context.dense == SNMF4J_DENSE_SPLIT && type == SNMF4J_BFLOAT16;
}

// Calls work(rows of A as floats, first row, number of rows) for one panel, whose neighbouring rows
// are `width` apart: at once if they are floats, otherwise some rows at a time.
template <typename Work>
void with_floats(snmf4j_context& context, int type, const char* panel, const PanelShape& shape,
                 Work work) {
  if (type == SNMF4J_FLOAT32) {
    work(reinterpret_cast<const float*>(panel), int64_t{0}, shape.rows);
    return;
  }
  const int64_t row_bytes = shape.width * static_cast<int64_t>(sizeof(float));
  const int64_t each = std::clamp<int64_t>(context.piece_bytes(kWidened) / row_bytes, 1, shape.rows);
  float* wide = context.room<float>(5, static_cast<std::size_t>(each * shape.width));
  for (int64_t row = 0; row < shape.rows; row += each) {
    const int64_t rows = std::min(each, shape.rows - row);
    const int64_t size = rows * shape.width;
    with_element(type, [&](auto element) {
      using Stored = decltype(element);
      gpu::launch(context.stream, {gpu::pieces(size, 2 * kThreads), kThreads},
                  widen_elements<Stored>,
                  reinterpret_cast<const Stored*>(panel) + row * shape.width, size, wide);
    });
    work(static_cast<const float*>(wide), row, rows);
  }
}

// Tokens of a slab's panel, in whole tiles.
int panel_tokens(const PanelShape& shape, int64_t panel) {
  const int64_t tiles = shape.tiles() - panel * (shape.width / kTile);
  return static_cast<int>(std::min(shape.width, tiles * kTile));
}

const char* panel_of(const Slab& slab, int type, int64_t panel) {
  return static_cast<const char*>(slab.data) +
         panel * slab.shape.panel_elements() * element_bytes(type);
}

}  // namespace

gpu::Arithmetic arithmetic(const snmf4j_context& context) {
  return context.dense == SNMF4J_DENSE_TF32 ? gpu::Arithmetic::kTf32 : gpu::Arithmetic::kFloat32;
}

SplitMatrix split_matrix(snmf4j_context& context, const float* matrix, int64_t size) {
  auto* high = context.room<BFloat>(4, 2 * static_cast<std::size_t>(size));
  gpu::launch(context.stream, {gpu::pieces(size, kThreads), kThreads}, split_elements, matrix, size,
              high, high + size);
  return {high, high + size};
}

CrossProduct::CrossProduct(snmf4j_context& context, int type, const snmf4j_panels& y,
                           snmf4j_statistics& statistics)
    : context_(context), type_(type), y_(y), statistics_(statistics) {}

void CrossProduct::operator()(const Slab& slab) {
  const PanelShape& shape = slab.shape;
  const int rank = statistics_.rank;
  const int64_t padded = statistics_.padded;
  const int64_t before = slab.first_tile / (shape.width / kTile);
  for (int64_t p = 0; p < shape.panels; p++) {
    // To cuBLAS Y's panel is [width, k], A's [width, d] and C [padded, d].
    const float* y = y_.floats() + (before + p) * y_.shape.panel_elements();
    const char* a = panel_of(slab, type_, p);
    const float beta = before + p == 0 ? 0.0f : 1.0f;
    const int tokens = panel_tokens(shape, p);
    const auto multiply = [&](Element element, const void* left, const void* right, int64_t row,
                              int64_t rows, float keep) {
      context_.blas.multiply(context_.stream, Operation::kTranspose, Operation::kNone, rank,
                             static_cast<int>(rows), tokens, 1.0f, element, left, shape.width,
                             right, shape.width, keep, statistics_.cross.data() + row * padded,
                             padded, arithmetic(context_));
    };
    if (splits(context_, type_)) {
      const SplitMatrix split = split_matrix(context_, y, y_.shape.panel_elements());
      multiply(Element::kBFloat16, split.high, a, 0, shape.rows, beta);
      multiply(Element::kBFloat16, split.low, a, 0, shape.rows, 1.0f);
    } else {
      with_floats(context_, type_, a, shape, [&](const float* wide, int64_t row, int64_t rows) {
        multiply(Element::kFloat32, y, wide, row, rows, beta);
      });
    }
  }
}

DenseProjection::DenseProjection(snmf4j_context& context, int type, const snmf4j_features& z)
    : context_(context), type_(type), z_(z), splits_(splits(context, type)) {
  if (splits_) split_ = split_matrix(context, z.dense.data(), z.neurons * z.rank);
}

void DenseProjection::operator()(const Slab& slab, float* target) {
  const PanelShape& shape = slab.shape;
  const int64_t d = z_.neurons;
  for (int64_t p = 0; p < shape.panels; p++) {
    // To cuBLAS A's panel is [width, d], Z [d, k] and P's panel [width, k].
    const char* a = panel_of(slab, type_, p);
    float* result = target + p * z_.rank * shape.width;
    const auto multiply = [&](Element element, const void* left, const void* right, int64_t rows,
                              float keep) {
      context_.blas.multiply(context_.stream, Operation::kNone, Operation::kNone,
                             static_cast<int>(shape.width), z_.rank, static_cast<int>(rows), 1.0f,
                             element, left, shape.width, right, d, keep, result, shape.width,
                             arithmetic(context_));
    };
    if (splits_) {
      multiply(Element::kBFloat16, a, split_.high, d, 0.0f);
      multiply(Element::kBFloat16, a, split_.low, d, 1.0f);
    } else {
      with_floats(context_, type_, a, shape, [&](const float* wide, int64_t row, int64_t rows) {
        multiply(Element::kFloat32, wide, z_.dense.data() + row, rows, row == 0 ? 0.0f : 1.0f);
      });
    }
  }
}

}  // namespace snmf4j
