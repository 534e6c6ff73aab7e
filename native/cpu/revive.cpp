// New starts for dead features at the tokens that are explained worst.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <vector>

#include "handles.hpp"
#include "select.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

// Tokens looked at per dead feature.
constexpr int64_t kCandidates = 4;
// Cosine above which a second feature would repeat the first.
constexpr double kTooSimilar = 0.9;
// Of a token's length: what float32 leaves of a residual that is zero.
constexpr double kRounding = 1e-6;

// A token by the square of its residual's length.
struct Candidate {
  int64_t token;
  double square;
};

// The worst come first; of equal ones the first token.
bool operator<(const Candidate& x, const Candidate& y) {
  return x.square != y.square ? x.square > y.square : x.token < y.token;
}

// The first `limit` of all that are added, whatever their order.
class Worst {
 public:
  void begin(std::size_t limit) {
    limit_ = limit;
    heap_.reserve(limit);
  }

  void add(const Candidate& candidate) {
    if (heap_.size() == limit_) {
      if (!(candidate < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end());
  }

  std::vector<Candidate> sorted() const {
    std::vector<Candidate> result(heap_);
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  std::size_t limit_ = 0;
  std::vector<Candidate> heap_;
};

double dot(const float* x, const float* y, int64_t size) {
  // Four sums, so that additions need not wait for each other.
  double sums[4] = {};
  int64_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (int s = 0; s < 4; s++) sums[s] += static_cast<double>(x[i + s]) * y[i + s];
  }
  for (; i < size; i++) sums[0] += static_cast<double>(x[i]) * y[i];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

class Revival {
 public:
  Revival(const snmf4j_panels& a, snmf4j_statistics& s, snmf4j_features& z, snmf4j_panels& y)
      : context_(*a.context), a_(a), s_(s), z_(z), y_(y) {
    const SparseColumns columns = z.columns();
    const auto k = static_cast<std::size_t>(z.rank);
    for (std::size_t j = 0; j < k; j++) {
      // Less than a normal float32: squares of such coefficients are lost.
      const bool silent = s.gram[j * k + j] < FLT_MIN;
      if (silent || columns.start[j] == columns.start[j + 1]) dead_.push_back(static_cast<int>(j));
    }
  }

  int dead() const { return static_cast<int>(dead_.size()); }

  int run(int64_t keep) {
    if (dead_.empty()) return 0;
    Buffer<float> room(&context_.memory, static_cast<std::size_t>(z_.neurons));
    z_.changed();
    for (int j : dead_) bury(j);
    const SparseRows living = z_.rows();
    // Seeds lie whole in the features' columns until all are chosen; their coefficients are zero.
    z_.changed();
    const int seeds = choose(worst(living), living, room.data());
    std::vector<int32_t> support;
    for (int m = 0; m < seeds; m++) normalize(column(m), keep, room.data(), support);
    return seeds;
  }

 private:
  float* column(int m) {
    return z_.dense.data() + dead_[static_cast<std::size_t>(m)] * z_.neurons;
  }

  // Zeroes a feature and its statistics; worst() does so with its coefficients.
  void bury(int j) {
    const int k = z_.rank;
    std::memset(z_.dense.data() + j * z_.neurons, 0,
                static_cast<std::size_t>(z_.neurons) * sizeof(float));
    for (int l = 0; l < k; l++) {
      s_.gram[static_cast<std::size_t>(j) * k + l] = 0;
      s_.gram[static_cast<std::size_t>(l) * k + j] = 0;
    }
    for (int64_t i = 0; i < s_.neurons; i++) s_.cross[i * s_.padded + j] = 0;
    s_.row_sums[static_cast<std::size_t>(j)] = 0;
  }

  // The tokens with the largest residuals, in order. Those do not depend on how tokens are shared
  // among the workers.
  std::vector<Candidate> worst(const SparseRows& living) {
    const auto limit = static_cast<std::size_t>(
        std::min(kCandidates * static_cast<int64_t>(dead_.size()), a_.tokens));
    std::vector<Worst> parts(static_cast<std::size_t>(context_.pool.size()));
    context_.pool.ranges(a_.count, [&](int worker, int64_t from, int64_t to) {
      Worst& part = parts[static_cast<std::size_t>(worker)];
      part.begin(limit);
      double squares[kPanel];
      for (int64_t p = from; p < to; p++) {
        for (int j : dead_) std::memset(y_.panel(p) + j * kPanel, 0, kPanel * sizeof(float));
        a_.kernels.token_residuals(a_.stored(p), living, y_.panel(p), squares);
        const int64_t tokens = std::min<int64_t>(kPanel, a_.tokens - p * kPanel);
        for (int64_t t = 0; t < tokens; t++) {
          if (std::isfinite(squares[t])) part.add({p * kPanel + t, squares[t]});
        }
      }
    });
    Worst all;
    all.begin(limit);
    for (const Worst& part : parts) {
      for (const Candidate& candidate : part.sorted()) all.add(candidate);
    }
    return all.sorted();
  }

  // Residuals that point in different directions, in the columns of the first dead features.
  int choose(const std::vector<Candidate>& candidates, const SparseRows& living, float* room) {
    std::vector<double> norms;
    for (const Candidate& candidate : candidates) {
      if (norms.size() == dead_.size()) break;
      float* rest = column(static_cast<int>(norms.size()));
      const double norm = residual(candidate.token, living, room, rest);
      if (norm > 0 && !is_similar(rest, norm, norms)) {
        norms.push_back(norm);
      } else {
        std::memset(rest, 0, static_cast<std::size_t>(z_.neurons) * sizeof(float));
      }
    }
    return static_cast<int>(norms.size());
  }

  // a - Zy of a token and its length; 0 if that is rounding error or beyond float32.
  double residual(int64_t token, const SparseRows& living, float* activations, float* rest) const {
    const int t = static_cast<int>(token % kPanel);
    a_.kernels.token(a_.stored(token / kPanel), z_.neurons, t, activations);
    const float* y = y_.panel(token / kPanel) + t;
    double length = 0, square = 0;
    for (int64_t i = 0; i < z_.neurons; i++) {
      double value = activations[i];
      length += value * value;
      for (int64_t e = living.start[i]; e < living.start[i + 1]; e++) {
        value -= static_cast<double>(living.value[e]) * y[living.index[e] * kPanel];
      }
      square += value * value;
      rest[i] = static_cast<float>(value);
    }
    const double norm = std::sqrt(square);
    return norm > kRounding * std::sqrt(length) && norm <= FLT_MAX ? norm : 0;
  }

  bool is_similar(const float* rest, double norm, const std::vector<double>& norms) {
    std::vector<char> similar(static_cast<std::size_t>(context_.pool.size()), 0);
    context_.pool.ranges(static_cast<int64_t>(norms.size()), [&](int w, int64_t from, int64_t to) {
      for (int64_t m = from; m < to; m++) {
        const double limit = kTooSimilar * norms[static_cast<std::size_t>(m)] * norm;
        if (dot(column(static_cast<int>(m)), rest, z_.neurons) > limit) {
          similar[static_cast<std::size_t>(w)] = 1;
        }
      }
    });
    return std::find(similar.begin(), similar.end(), 1) != similar.end();
  }

  // Cuts a column to its largest entries, of unit length.
  void normalize(float* column, int64_t keep, float* room, std::vector<int32_t>& support) const {
    choose_largest(column, z_.neurons, keep, room, support);
    double square = 0;
    for (int32_t i : support) square += static_cast<double>(column[i]) * column[i];
    const double norm = std::sqrt(square);
    // The kept entries pass through `room`, so that all others can be zeroed at once.
    for (std::size_t e = 0; e < support.size(); e++) {
      room[e] = static_cast<float>(column[support[e]] / norm);
    }
    std::memset(column, 0, static_cast<std::size_t>(z_.neurons) * sizeof(float));
    for (std::size_t e = 0; e < support.size(); e++) column[support[e]] = room[e];
  }

  snmf4j_context& context_;
  const snmf4j_panels& a_;
  snmf4j_statistics& s_;
  snmf4j_features& z_;
  snmf4j_panels& y_;
  std::vector<int> dead_;  // ascending
};

}  // namespace

int snmf4j_revive(const snmf4j_panels* a, snmf4j_statistics* statistics, snmf4j_features* z,
                  snmf4j_panels* y, int64_t keep, int* dead, int* revived) {
  return entry([&] {
    require(a != nullptr && y != nullptr, "panels must not be null");
    require(statistics != nullptr && z != nullptr, "statistics and features must not be null");
    require(dead != nullptr && revived != nullptr, "dead and revived must not be null");
    require(a->context == y->context && a->context == z->context &&
                a->context == statistics->context,
            "all handles must share a context");
    require(y->type == SNMF4J_FLOAT32, "Y must be SNMF4J_FLOAT32");
    require(a->tokens == y->tokens, "A and Y must have the same tokens");
    require(a->rows == z->neurons && a->rows == statistics->neurons,
            "A, Z and the statistics must have the same neurons");
    require(y->rows == z->rank && y->rows == statistics->rank,
            "Z, Y and the statistics must have the same rank");
    require(keep >= 1 && keep <= z->neurons, "keep must be between 1 and the neurons");
    Revival revival(*a, *statistics, *z, *y);
    *dead = revival.dead();
    *revived = revival.run(keep);
  });
}
