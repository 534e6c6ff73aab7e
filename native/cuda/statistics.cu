// C = AY', G = YY' and the sums of Y's rows.
#include "dense.hpp"
#include "gram.hpp"

using namespace snmf4j;

namespace {

std::size_t cross_size(int64_t neurons, int rank) {
  require(neurons >= 1 && neurons <= INT32_MAX, "neurons must be between 1 and 2^31 - 1");
  require(rank >= 1 && rank <= kMaxRank, "rank must be between 1 and 16384");
  return static_cast<std::size_t>(neurons) * static_cast<std::size_t>(padded_rank(rank));
}

}  // namespace

snmf4j_statistics::snmf4j_statistics(snmf4j_context* owner, int64_t height, int width)
    : context(owner),
      neurons(height),
      rank(width),
      padded(padded_rank(width)),
      cross(&owner->memory, cross_size(height, width)),
      gram(&owner->memory, static_cast<std::size_t>(width) * static_cast<std::size_t>(width)),
      row_sums(&owner->memory, static_cast<std::size_t>(width)) {
  owner->stream.clear(cross.data(), cross.bytes());
  owner->stream.clear(gram.data(), gram.bytes());
  owner->stream.clear(row_sums.data(), row_sums.bytes());
}

int snmf4j_statistics_create(snmf4j_context* context, int64_t neurons, int rank,
                             snmf4j_statistics** result) {
  return entry(context, [&] {
    require(result != nullptr, "result must not be null");
    *result = new snmf4j_statistics(context, neurons, rank);
  });
}

int snmf4j_statistics_destroy(snmf4j_statistics* statistics) {
  if (statistics == nullptr) return SNMF4J_OK;
  return entry(statistics->context, [&] { delete statistics; });
}

int snmf4j_statistics_gram(const snmf4j_statistics* statistics, double* gram) {
  return entry(context_of(statistics), [&] {
    require(gram != nullptr, "gram must not be null");
    gpu::Stream& stream = statistics->context->stream;
    stream.download(gram, statistics->gram.data(), statistics->gram.bytes());
    stream.finish();
  });
}

int snmf4j_statistics_row_sums(const snmf4j_statistics* statistics, double* sums) {
  return entry(context_of(statistics), [&] {
    require(sums != nullptr, "sums must not be null");
    gpu::Stream& stream = statistics->context->stream;
    stream.download(sums, statistics->row_sums.data(), statistics->row_sums.bytes());
    stream.finish();
  });
}

int snmf4j_statistics_cross(const snmf4j_statistics* statistics, float* target, int64_t neuron,
                            int64_t neurons) {
  return entry(context_of(statistics), [&] {
    require(target != nullptr, "target must not be null");
    require(neuron >= 0 && neurons >= 1 && neuron <= statistics->neurons - neurons,
            "neurons must lie in the statistics");
    const std::size_t bytes = static_cast<std::size_t>(statistics->rank) * sizeof(float);
    const std::size_t pitch = static_cast<std::size_t>(statistics->padded) * sizeof(float);
    gpu::Stream& stream = statistics->context->stream;
    stream.copy_rows(target, bytes, statistics->cross.data() + neuron * statistics->padded, pitch,
                     bytes, static_cast<std::size_t>(neurons));
    stream.finish();
  });
}

int snmf4j_dense_statistics(const snmf4j_panels* a, const snmf4j_panels* y,
                            snmf4j_statistics* result) {
  return entry(context_of(a), [&] {
    require(y != nullptr && result != nullptr, "coefficients and result must not be null");
    require(a->context == y->context && a->context == result->context,
            "all handles must share a context");
    require(a->shape.tokens == y->shape.tokens, "A and Y must have the same tokens");
    require(y->type == SNMF4J_FLOAT32 && !y->streams(), "Y must be coefficients on the device");
    require(result->neurons == a->shape.rows && result->rank == y->shape.rows,
            "shapes must agree");
    snmf4j_context& context = *a->context;
    CrossProduct cross(context, a->type, *y, *result);
    for_each_slab(*a, [&](const Slab& slab) { cross(slab); });
    gram_and_row_sums(context, context.stream, *y, *result);
  });
}
