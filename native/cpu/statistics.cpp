// C = AY', G = YY' and the sums of Y's rows.
#include <cstring>

#include "handles.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

std::size_t cross_size(int64_t neurons, int rank) {
  require(neurons >= 1 && neurons <= INT32_MAX, "neurons must be between 1 and 2^31 - 1");
  require(rank >= 1 && rank <= 16384, "rank must be between 1 and 16384");
  return static_cast<std::size_t>(neurons) * static_cast<std::size_t>(padded_rank(rank));
}

}  // namespace

snmf4j_statistics::snmf4j_statistics(snmf4j_context* owner, int64_t height, int width)
    : context(owner),
      neurons(height),
      rank(width),
      padded(padded_rank(width)),
      cross(&owner->memory, cross_size(height, width)),
      gram(&owner->memory, static_cast<std::size_t>(width) * width),
      row_sums(&owner->memory, static_cast<std::size_t>(width)) {
  std::memset(cross.data(), 0, cross.size() * sizeof(float));
  std::memset(gram.data(), 0, gram.size() * sizeof(double));
  std::memset(row_sums.data(), 0, row_sums.size() * sizeof(double));
}

int snmf4j_statistics_create(snmf4j_context* context, int64_t neurons, int rank,
                             snmf4j_statistics** result) {
  return entry([&] {
    require(context != nullptr && result != nullptr, "context and result must not be null");
    *result = new snmf4j_statistics(context, neurons, rank);
  });
}

int snmf4j_statistics_destroy(snmf4j_statistics* statistics) {
  return entry([&] { delete statistics; });
}

int snmf4j_statistics_gram(const snmf4j_statistics* statistics, double* gram) {
  return entry([&] {
    require(statistics != nullptr && gram != nullptr, "statistics and gram must not be null");
    std::memcpy(gram, statistics->gram.data(), statistics->gram.size() * sizeof(double));
  });
}

int snmf4j_statistics_row_sums(const snmf4j_statistics* statistics, double* sums) {
  return entry([&] {
    require(statistics != nullptr && sums != nullptr, "statistics and sums must not be null");
    std::memcpy(sums, statistics->row_sums.data(), statistics->row_sums.size() * sizeof(double));
  });
}

int snmf4j_statistics_cross(const snmf4j_statistics* statistics, float* target, int64_t neuron,
                            int64_t neurons) {
  return entry([&] {
    require(statistics != nullptr && target != nullptr, "statistics and target must not be null");
    require(neuron >= 0 && neurons >= 1 && neuron <= statistics->neurons - neurons,
            "neurons must lie in the statistics");
    const auto bytes = static_cast<std::size_t>(statistics->rank) * sizeof(float);
    for (int64_t i = 0; i < neurons; i++) {
      std::memcpy(target + i * statistics->rank,
                  statistics->cross.data() + (neuron + i) * statistics->padded, bytes);
    }
  });
}
