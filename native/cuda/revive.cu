// New starts for dead features at the tokens that are explained worst.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <vector>

#include "carver.hpp"
#include "checks.hpp"
#include "panels.hpp"
#include "residual.hpp"
#include "select.hpp"
#include "stored.hpp"

using namespace snmf4j;

namespace {

// Tokens looked at per dead feature.
constexpr int64_t kCandidates = 4;
// Cosine above which a second feature would repeat the first.
constexpr double kTooSimilar = 0.9;
// Of a token's length: what float32 leaves of a residual that is zero.
constexpr double kRounding = 1e-6;
// Candidates whose residuals are there at the same time.
constexpr int64_t kBatch = 64;
constexpr int kThreads = 256;
constexpr unsigned kBlocks = 64;

// A token by the square of its residual's length.
struct Candidate {
  int64_t token;
  double square;
};

// The worst come first; of equal ones the first token.
bool operator<(const Candidate& x, const Candidate& y) {
  return x.square != y.square ? x.square > y.square : x.token < y.token;
}

// Squares of the lengths of a token and of its residual.
struct Lengths {
  double token, rest;
};

// What is known of dead features becomes zero. One of them per y.
__global__ void bury(const int* dead, float* dense, int64_t neurons, float* y, PanelShape y_shape,
                     float* cross, int padded, double* gram, double* row_sums) {
  const int64_t j = dead[blockIdx.y];
  const int64_t rank = y_shape.rows;
  const int64_t thread = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = thread; i < neurons; i += step) {
    dense[j * neurons + i] = 0;
    cross[i * padded + j] = 0;
  }
  for (int64_t l = thread; l < rank; l += step) gram[j * rank + l] = gram[l * rank + j] = 0;
  for (int64_t t = thread; t < y_shape.panels * y_shape.width; t += step) {
    y[t / y_shape.width * y_shape.panel_elements() + j * y_shape.width + t % y_shape.width] = 0;
  }
  if (thread == 0) row_sums[j] = 0;
}

// a - Zy of some tokens, one a block, to rows of `rests`.
template <typename Element>
__global__ void token_rests(const Element* a, PanelShape shape, SparseRows z, const float* y_panels,
                            int rank, const int64_t* tokens, float* rests, Lengths* lengths) {
  __shared__ double room[kThreads / gpu::kWarp];
  PanelShape y_shape = shape;
  y_shape.rows = rank;
  const int64_t token = tokens[blockIdx.x];
  const Element* activations = a + shape.tile_offset(token / kTile) + token % kTile;
  const float* y = y_panels + y_shape.tile_offset(token / kTile) + token % kTile;
  float* rest = rests + blockIdx.x * z.neurons;
  double length = 0, square = 0;
  for (int64_t i = threadIdx.x; i < z.neurons; i += kThreads) {
    double value = widen(activations[i * shape.width]);
    length += value * value;
    for (int64_t e = z.start[i]; e < z.start[i + 1]; e++) {
      value -= static_cast<double>(z.value[e]) * y[z.index[e] * shape.width];
    }
    square += value * value;
    rest[i] = static_cast<float>(value);
  }
  length = block_sum(length, room);
  square = block_sum(square, room);
  if (threadIdx.x == 0) lengths[blockIdx.x] = {length, square};
}

// Inner products of a batch's residuals, by x, with the seeds that are there and with the earlier
// ones of the batch, by y.
__global__ void compare(const float* rests, const float* dense, const int* dead, int seeds,
                        int64_t neurons, double* products) {
  __shared__ double room[kThreads / gpu::kWarp];
  const int other = static_cast<int>(blockIdx.y);
  if (other >= seeds + static_cast<int>(blockIdx.x)) return;
  const float* left = rests + blockIdx.x * neurons;
  const float* right =
      other < seeds ? dense + dead[other] * neurons : rests + (other - seeds) * neurons;
  double sum = 0;
  for (int64_t i = threadIdx.x; i < neurons; i += kThreads) {
    sum += static_cast<double>(left[i]) * right[i];
  }
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) products[static_cast<int64_t>(blockIdx.x) * gridDim.y + other] = sum;
}

// Cuts a seed, one a block, to its largest entries, of equal ones the first, of unit length.
__global__ void __launch_bounds__(kThreads)
    normalize(float* dense, int64_t neurons, const int* dead, int keep) {
  __shared__ SelectRoom select;
  __shared__ double room[kThreads / gpu::kWarp];
  float* column = dense + dead[blockIdx.x] * neurons;
  const Selected<unsigned> selected = select_largest<unsigned>(
      static_cast<int>(neurons), keep, 31, kAllPasses,
      [=](int i) { return magnitude_key(column[i]); }, select);
  // Those that equal the bound are counted in order.
  double square = 0;
  int met = 0;
  for (int64_t some = 0; some < neurons; some += kThreads) {
    const int64_t i = some + threadIdx.x;
    const unsigned key = i < neurons ? magnitude_key(column[i]) : 0;
    const bool equal = i < neurons && key == selected.bound;
    int total = 0;
    const int before = met + block_prefix(equal ? 1 : 0, select.sums, total);
    met += total;
    const bool kept = key > selected.bound || (equal && before < selected.ties);
    if (i >= neurons) continue;
    if (kept) {
      square += static_cast<double>(column[i]) * column[i];
    } else {
      column[i] = 0;
    }
  }
  const double norm = sqrt(block_sum(square, room));
  for (int64_t i = threadIdx.x; i < neurons; i += kThreads) {
    if (column[i] != 0) column[i] = static_cast<float>(column[i] / norm);
  }
}

class Revival {
 public:
  Revival(const snmf4j_panels& a, snmf4j_statistics& s, snmf4j_features& z, snmf4j_panels& y)
      : context_(*a.context), a_(a), s_(s), z_(z), y_(y) {
    const auto k = static_cast<std::size_t>(z.rank);
    const SparseColumns columns = sparse_columns(z);
    std::vector<int64_t> starts(k + 1);
    std::vector<double> diagonal(k);
    context_.stream.download(starts.data(), columns.start, starts.size() * sizeof(int64_t));
    context_.stream.copy_rows(diagonal.data(), sizeof(double), s.gram.data(),
                              (k + 1) * sizeof(double), sizeof(double), k);
    context_.stream.finish();
    for (std::size_t j = 0; j < k; j++) {
      // Less than a normal float32: squares of such coefficients are lost.
      const bool silent = diagonal[j] < FLT_MIN;
      if (silent || starts[j] == starts[j + 1]) dead_.push_back(static_cast<int>(j));
    }
  }

  int dead() const { return static_cast<int>(dead_.size()); }

  int run(int64_t keep) {
    if (dead_.empty()) return 0;
    reserve();
    z_.changed();
    y_.version++;
    gpu::launch(context_.stream, {kBlocks, kThreads, 0, static_cast<unsigned>(dead_.size())}, bury,
                on_device_.dead, z_.dense.data(), z_.neurons, y_.floats(), y_.shape,
                s_.cross.data(), s_.padded, s_.gram.data(), s_.row_sums.data());
    const SparseRows living = sparse_rows(z_);
    // Seeds lie whole in the features' columns until all are chosen; their coefficients are zero.
    z_.changed();
    const int seeds = choose(worst(living), living);
    if (seeds > 0) {
      gpu::launch(context_.stream, {static_cast<unsigned>(seeds), kThreads}, normalize,
                  z_.dense.data(), z_.neurons, on_device_.dead, static_cast<int>(keep));
    }
    return seeds;
  }

 private:
  struct OnDevice {
    int* dead;
    int64_t* tokens;    // of a batch
    Lengths* lengths;   // likewise
    float* rests;       // likewise, [kBatch][neurons]
    double* products;   // of each with the seeds and with each other
  };

  std::size_t most_compared() const { return dead_.size() + kBatch; }

  void carve(Carver& carver) {
    const auto batch = static_cast<std::size_t>(kBatch);
    on_device_ = {carver.take<int>(dead_.size()), carver.take<int64_t>(batch),
                  carver.take<Lengths>(batch),
                  carver.take<float>(batch * static_cast<std::size_t>(z_.neurons)),
                  carver.take<double>(batch * most_compared())};
  }

  void reserve() {
    Carver counting;
    carve(counting);
    Carver carver(context_.room<unsigned char>(1, counting.size()));
    carve(carver);
    context_.stream.upload(on_device_.dead, dead_.data(), dead_.size() * sizeof(int));
  }

  // The tokens with the largest residuals, in order.
  std::vector<Candidate> worst(const SparseRows& living) {
    const auto room = static_cast<std::size_t>(a_.shape.tiles() * kTile);
    double* squares = context_.room<double>(0, room);
    for_each_slab(a_, [&](const Slab& slab) {
      square_residuals(context_, a_.type, slab, living,
                       y_.floats() + y_.shape.tile_offset(slab.first_tile), z_.rank,
                       squares + slab.first_tile * kTile, nullptr);
    });
    std::vector<double> found(static_cast<std::size_t>(a_.shape.tokens));
    context_.stream.download(found.data(), squares, found.size() * sizeof(double));
    context_.stream.finish();
    std::vector<Candidate> all;
    all.reserve(found.size());
    for (std::size_t t = 0; t < found.size(); t++) {
      if (std::isfinite(found[t])) all.push_back({static_cast<int64_t>(t), found[t]});
    }
    const std::size_t limit =
        std::min(static_cast<std::size_t>(kCandidates) * dead_.size(), all.size());
    std::nth_element(all.begin(), all.begin() + static_cast<int64_t>(limit), all.end());
    all.resize(limit);
    std::sort(all.begin(), all.end());
    return all;
  }

  // Residuals that point in different directions, in the columns of the first dead features.
  int choose(const std::vector<Candidate>& candidates, const SparseRows& living) {
    std::vector<double> norms;  // of the seeds
    for (std::size_t first = 0; first < candidates.size() && norms.size() < dead_.size();
         first += kBatch) {
      const std::size_t size = std::min(candidates.size() - first, std::size_t{kBatch});
      const std::size_t seeds = norms.size();
      compute_batch(candidates.data() + first, size, seeds, living);
      std::vector<std::size_t> taken;  // of this batch
      for (std::size_t c = 0; c < size && norms.size() < dead_.size(); c++) {
        const double norm = norm_of(lengths_[c]);
        if (norm > 0 && !is_similar(c, norm, norms, seeds, size, taken)) {
          context_.stream.copy(z_.dense.data() + dead_[norms.size()] * z_.neurons,
                               on_device_.rests + static_cast<int64_t>(c) * z_.neurons,
                               static_cast<std::size_t>(z_.neurons) * sizeof(float));
          norms.push_back(norm);
          taken.push_back(c);
        }
      }
    }
    return static_cast<int>(norms.size());
  }

  // Residuals of a batch, their lengths and their products.
  void compute_batch(const Candidate* candidates, std::size_t size, std::size_t seeds,
                     const SparseRows& living) {
    std::vector<int64_t> tokens(size);
    for (std::size_t c = 0; c < size; c++) tokens[c] = candidates[c].token;
    context_.stream.upload(on_device_.tokens, tokens.data(), size * sizeof(int64_t));
    const auto blocks = static_cast<unsigned>(size);
    with_element(a_.type, [&](auto element) {
      using Element = decltype(element);
      gpu::launch(context_.stream, {blocks, kThreads}, token_rests<Element>,
                  static_cast<const Element*>(seen(a_)), a_.shape, living,
                  static_cast<const float*>(y_.floats()), z_.rank, on_device_.tokens,
                  on_device_.rests, on_device_.lengths);
    });
    const std::size_t compared = seeds + size;
    gpu::launch(context_.stream, {blocks, kThreads, 0, static_cast<unsigned>(compared)}, compare,
                on_device_.rests, static_cast<const float*>(z_.dense.data()), on_device_.dead,
                static_cast<int>(seeds), z_.neurons, on_device_.products);
    lengths_.resize(size);
    products_.resize(size * compared);
    context_.stream.download(lengths_.data(), on_device_.lengths, size * sizeof(Lengths));
    context_.stream.download(products_.data(), on_device_.products,
                             products_.size() * sizeof(double));
    context_.stream.finish();
  }

  // 0 if it is rounding error or beyond float32.
  static double norm_of(const Lengths& lengths) {
    const double norm = std::sqrt(lengths.rest);
    return norm > kRounding * std::sqrt(lengths.token) && norm <= FLT_MAX ? norm : 0;
  }

  bool is_similar(std::size_t c, double norm, const std::vector<double>& norms, std::size_t seeds,
                  std::size_t size, const std::vector<std::size_t>& taken) const {
    const double* products = products_.data() + c * (seeds + size);
    for (std::size_t m = 0; m < norms.size(); m++) {
      const std::size_t other = m < seeds ? m : seeds + taken[m - seeds];
      if (products[other] > kTooSimilar * norms[m] * norm) return true;
    }
    return false;
  }

  snmf4j_context& context_;
  const snmf4j_panels& a_;
  snmf4j_statistics& s_;
  snmf4j_features& z_;
  snmf4j_panels& y_;
  std::vector<int> dead_;  // ascending
  OnDevice on_device_{};
  std::vector<Lengths> lengths_;
  std::vector<double> products_;
};

}  // namespace

int snmf4j_revive(const snmf4j_panels* a, snmf4j_statistics* statistics, snmf4j_features* z,
                  snmf4j_panels* y, int64_t keep, int* dead, int* revived) {
  return entry(context_of(a), [&] {
    require(dead != nullptr && revived != nullptr, "dead and revived must not be null");
    require_shapes(a, z, y);
    require_shapes(a, y, statistics);
    require_target(y);
    require(keep >= 1 && keep <= z->neurons, "keep must be between 1 and the neurons");
    renew(*a);
    Revival revival(*a, *statistics, *z, *y);
    *dead = revival.dead();
    *revived = revival.run(keep);
  });
}
