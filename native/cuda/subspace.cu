// A subspace of the neurons that activations are compressed to: its basis, and products with it.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "dense.hpp"
#include "factor.hpp"
#include "neurons.hpp"
#include "panels.hpp"

using namespace snmf4j;

namespace {

using gpu::Element;
using gpu::Operation;

// A direction that the ones before it explain up to this share of its squared length is none.
constexpr double kDependent = 1e-10;
// Bytes of neurons that are widened at a time.
constexpr int64_t kWidened = int64_t{64} << 20;

// Calls work(rows, room, first, count) for all neurons, some at a time: `rows` are theirs in float64,
// [count][rank], and `room` is as large. Both are in the context's room 2.
template <typename Work>
void with_neurons(const snmf4j_features& z, Work work) {
  snmf4j_context& context = *z.context;
  const int64_t row_bytes = z.rank * static_cast<int64_t>(sizeof(double));
  const int64_t each = std::clamp<int64_t>(context.piece_bytes(kWidened) / row_bytes, 1, z.neurons);
  double* rows = context.room<double>(2, static_cast<std::size_t>(2 * each * z.rank));
  for (int64_t first = 0; first < z.neurons; first += each) {
    const int64_t count = std::min(each, z.neurons - first);
    take_neurons(z, first, count, rows);
    work(rows, rows + each * z.rank, first, static_cast<int>(count));
  }
}

// One panel of a slab.
Slab panel_slab(const Slab& slab, int type, int64_t p) {
  Slab result = slab;
  result.data = static_cast<const char*>(slab.data) +
                p * slab.shape.panel_elements() * element_bytes(type);
  result.first_tile += p * (slab.shape.width / kTile);
  result.shape.panels = 1;
  result.shape.tokens = std::min(slab.shape.width, slab.shape.tokens - p * slab.shape.width);
  return result;
}

void require_context(const snmf4j_context* first, const snmf4j_context* second) {
  require(first == second, "all handles must share a context");
}

}  // namespace

int snmf4j_features_orthonormalize(snmf4j_features* z) {
  return entry(context_of(z), [&] {
    snmf4j_context& context = *z->context;
    const int k = z->rank;
    const auto order = static_cast<std::size_t>(k);
    // Z'Z, then what is left of it; at its end, what was come upon.
    double* gram = context.room<double>(0, order * order + 1);
    int* found = reinterpret_cast<int*>(gram + order * order);
    double* inverse = context.room<double>(1, order * order);
    with_neurons(*z, [&](const double* rows, double*, int64_t first, int count) {
      context.blas.multiply(context.stream, Operation::kNone, Operation::kTranspose, k, k, count,
                            1.0, rows, k, rows, k, first == 0 ? 0.0 : 1.0, gram, k);
    });
    copy_diagonal(context, gram, k, inverse);
    std::vector<double> diagonal(order);
    context.stream.download(diagonal.data(), inverse, order * sizeof(double));
    context.stream.finish();
    for (const double square : diagonal) {
      if (!std::isfinite(square)) {
        throw Error(SNMF4J_NON_FINITE, "the features' squares are not finite");
      }
    }
    invert_factor(context, k, kDependent, gram, inverse, found);
    z->changed();
    with_neurons(*z, [&](const double* rows, double* result, int64_t first, int count) {
      context.blas.multiply(context.stream, Operation::kNone, Operation::kNone, k, count, k, 1.0,
                            inverse, k, rows, k, 0.0, result, k);
      put_neurons(*z, static_cast<const double*>(result), first, count, found);
    });
  });
}

int snmf4j_features_multiply(const snmf4j_features* left, const snmf4j_features* right,
                             snmf4j_features* result) {
  return entry(context_of(left), [&] {
    require(right != nullptr && result != nullptr, "features must not be null");
    require_context(left->context, right->context);
    require_context(left->context, result->context);
    require(left->rank == right->neurons && left->neurons == result->neurons &&
                right->rank == result->rank,
            "shapes must agree");
    require(result != left && result != right, "the result must not be a factor");
    result->changed();
    snmf4j_context& context = *left->context;
    context.blas.multiply(context.stream, Operation::kNone, Operation::kNone,
                          static_cast<int>(left->neurons), right->rank, left->rank, 1.0f,
                          Element::kFloat32, left->dense.data(), left->neurons,
                          right->dense.data(), right->neurons, 0.0f, result->dense.data(),
                          result->neurons, arithmetic(context));
  });
}

int snmf4j_compress(const snmf4j_panels* a, const snmf4j_features* basis, snmf4j_panels** result,
                    double* squares) {
  return entry(context_of(a), [&] {
    require(basis != nullptr && result != nullptr && squares != nullptr,
            "basis, result and squares must not be null");
    require_context(a->context, basis->context);
    require(a->shape.rows == basis->neurons, "A and the basis must have the same neurons");
    snmf4j_context& context = *a->context;
    auto compressed = std::make_unique<snmf4j_panels>(&context, SNMF4J_FLOAT32, basis->rank,
                                                      a->shape.tokens, true);
    DenseProjection project(context, a->type, *basis);
    const int64_t tile = compressed->shape.panel_elements() / (compressed->shape.width / kTile);
    for_each_slab(*a, [&](const Slab& slab) {
      if (!compressed->streams()) {
        project(slab, compressed->floats() + slab.first_tile * tile);
        return;
      }
      // Panel by panel to where it streams from.
      const auto size = static_cast<std::size_t>(compressed->shape.panel_elements());
      float* part = context.room<float>(0, size);
      for (int64_t p = 0; p < slab.shape.panels; p++) {
        const Slab panel = panel_slab(slab, a->type, p);
        project(panel, part);
        context.stream.download(
            compressed->on_host.data() +
                static_cast<std::size_t>(panel.first_tile * tile) * sizeof(float),
            part, size * sizeof(float));
      }
    });
    *squares = sum_squares(*compressed);
    if (!std::isfinite(*squares)) {
      throw Error(SNMF4J_NON_FINITE, "the compressed activations' squares are not finite");
    }
    *result = compressed.release();
  });
}

int snmf4j_expand(const snmf4j_features* basis, const snmf4j_statistics* coordinates,
                  snmf4j_statistics* result) {
  return entry(context_of(basis), [&] {
    require(coordinates != nullptr && result != nullptr,
            "coordinates and result must not be null");
    require_context(basis->context, coordinates->context);
    require_context(basis->context, result->context);
    require(basis->rank == coordinates->neurons && basis->neurons == result->neurons &&
                coordinates->rank == result->rank,
            "shapes must agree");
    require(result != coordinates, "the result must not be the coordinates");
    snmf4j_context& context = *basis->context;
    // To cuBLAS C is [padded, d], that of the coordinates [padded, r] and U [d, r].
    context.blas.multiply(context.stream, Operation::kNone, Operation::kTranspose, result->rank,
                          static_cast<int>(basis->neurons), basis->rank, 1.0f, Element::kFloat32,
                          coordinates->cross.data(), coordinates->padded, basis->dense.data(),
                          basis->neurons, 0.0f, result->cross.data(), result->padded,
                          arithmetic(context));
    context.stream.copy(result->gram.data(), coordinates->gram.data(), result->gram.bytes());
    context.stream.copy(result->row_sums.data(), coordinates->row_sums.data(),
                        result->row_sums.bytes());
  });
}
