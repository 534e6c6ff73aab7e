// The passes over A, some panels at a time: P, the update of Y, and what a refresh asks for.
//
// One kernel that reads A once and does all of this was slower on an H200: the rows that Z uses
// leave room for 16 tokens in shared memory, and nothing else runs there while a block waits.
#include <algorithm>
#include <cmath>
#include <optional>

#include "checks.hpp"
#include "dense.hpp"
#include "gram.hpp"
#include "panels.hpp"
#include "projection.hpp"
#include "start.hpp"
#include "support.hpp"
#include "update.hpp"

using namespace snmf4j;

namespace {

// Over-relaxation of the sweeps of least squares: converges for any factor below 2 (Cryer 1971),
// fastest near 1 for features that hardly overlap and above 1.5 for those that do.
constexpr float kRelaxation = 1.25f;
// Most bytes of P: of more, panels are taken in groups.
constexpr int64_t kMostProjected = int64_t{256} << 20;

// Whether P comes from all of Z or from its nonzeros. Counts of these are ints in kernels.
bool projects_dense(snmf4j_features& z) {
  return is_dense(z) || sparse_columns(z).nonzeros > INT32_MAX / 2;
}

// Calls visit(slab) for pieces of a slab of at most so many panels.
template <typename Visit>
void for_each_group(const snmf4j_panels& a, const Slab& slab, int64_t each, const Visit& visit) {
  const PanelShape& all = slab.shape;
  const int64_t bytes = all.panel_elements() * element_bytes(a.type);
  for (int64_t panel = 0; panel < all.panels; panel += each) {
    Slab group = slab;
    group.data = static_cast<const char*>(slab.data) + panel * bytes;
    group.shape.panels = std::min(each, all.panels - panel);
    group.shape.tokens =
        std::min(group.shape.panels * all.width, all.tokens - panel * all.width);
    group.first_tile = slab.first_tile + panel * (all.width / kTile);
    visit(group);
  }
}

class Pass {
 public:
  Pass(const snmf4j_panels& a, snmf4j_features& z, const snmf4j_update& update,
       const snmf4j_panels& y, snmf4j_panels& result, int refresh, snmf4j_statistics* statistics)
      : context_(*a.context),
        a_(a),
        z_(z),
        update_(update),
        y_(y),
        result_(result),
        refresh_(refresh),
        statistics_(statistics),
        dense_(projects_dense(z)),
        columns_(sparse_columns(z)) {
    // Dense C is found where Z is not zero, too, and sooner if that is almost everywhere.
    if (dense_ && refresh == SNMF4J_REFRESH_SUPPORT) refresh_ = SNMF4J_REFRESH_DENSE;
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
      snmf4j_features& support =
          update.support == nullptr ? z : support_union(z, *update.support);
      support_columns_ = sparse_columns(support);
      support_rows_ = sparse_rows(support);
    }
    group_ = panels_of_a_group();
    Carver counting;
    carve(counting);
    Carver carver(context_.room<unsigned char>(0, counting.size()));
    carve(carver);
  }

  void run(double* sums) {
    renew(a_);
    renew(y_);
    if (update_.before != nullptr) renew(*update_.before);
    send();
    result_.version++;
    if (context_.graphs && !a_.streams()) {
      context_.recorded.run(context_.stream, key(), [&] { enqueue(); });
    } else {
      enqueue();
    }
    receive(sums);
  }

 private:
  bool stops() const { return update_.tolerance > 0; }
  bool solves() const { return update_.rule == SNMF4J_RULE_LEAST_SQUARES; }
  bool starts() const { return solves() && z_.rank <= UnconstrainedStart::kMaxRank; }
  // A scale is not read beside an extrapolation, nor by least squares.
  bool scales() const { return update_.row_scale != nullptr && update_.before == nullptr; }

  int64_t panels_of_a_group() const {
    const int64_t panel = y_.shape.panel_elements() * static_cast<int64_t>(sizeof(float));
    return std::clamp<int64_t>(kMostProjected / panel, 1, slab_panels(a_));
  }

  void carve(Carver& carver) {
    const auto k = static_cast<std::size_t>(z_.rank);
    const auto padded = static_cast<std::size_t>(padded_rank(z_.rank));
    numbers_ = carver.take<UpdateNumbers>(1);
    sums_ = carver.take<PassSums>(1);
    scale_ = carver.take<double>(scales() ? k : 0);
    products_ = {z_.rank,
                 static_cast<int>(padded),
                 carver.take<double>(k * k),
                 carver.take<float>(k * padded),
                 carver.take<float>(padded),
                 carver.take<float>(padded)};
    // No block has less than a tile.
    dots_ = carver.take<double>(
        static_cast<std::size_t>((y_.shape.tokens + kUpdateTile - 1) / kUpdateTile));
    const auto projected = static_cast<std::size_t>(group_ * y_.shape.panel_elements());
    const int64_t tokens = std::min(group_ * y_.shape.width, y_.shape.tokens);
    if (!dense_) plan_ = chunk_plan(context_, a_.type, z_.neurons, columns_, carver);
    if (starts()) {
      start_ = unconstrained_start(z_.rank, carver);
      unconstrained_ = carver.take<float>(projected);
    }
    p_ = carver.take<float>(projected);
    large_ = carver.take<float>(update_room(context_, update_.rule, z_.rank, tokens));
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
      support_ = support_plan(context_, a_.shape.tokens, support_columns_, carver);
    }
  }

  // What the kernels read but do not depend on.
  void send() {
    UpdateNumbers numbers{};
    numbers.penalty = update_.rule == SNMF4J_RULE_MULTIPLICATIVE ? 0 : update_.penalty;
    numbers.tolerance = update_.tolerance;
    numbers.epsilon = static_cast<float>(update_.epsilon);
    numbers.beta = static_cast<float>(update_.beta);
    numbers.relaxation = solves() ? kRelaxation : static_cast<float>(update_.relaxation);
    numbers.sweeps = update_.sweeps;
    context_.stream.upload(numbers_, &numbers, sizeof numbers);
    if (scales()) {
      context_.stream.upload(scale_, update_.row_scale,
                             static_cast<std::size_t>(z_.rank) * sizeof(double));
    }
  }

  void enqueue() {
    std::optional<DenseProjection> projection;
    if (dense_) projection.emplace(context_, a_.type, z_);
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
      begin_aside([&](gpu::Stream& aside) {
        begin_support(aside, support_columns_, support_rows_, support_);
      });
    }
    if (!dense_) fill_plan(context_, plan_);
    multiply_features(context_, columns_, z_.dense.data(), z_.neurons, numbers_, products_);
    if (starts()) prepare_start(context_, products_, start_);
    std::optional<CrossProduct> cross;
    if (refresh_ == SNMF4J_REFRESH_DENSE) cross.emplace(context_, a_.type, result_, *statistics_);
    int64_t blocks = 0;
    for_each_slab(a_, [&](const Slab& slab) {
      for_each_group(a_, slab, group_, [&](const Slab& group) {
        if (dense_) {
          (*projection)(group, p_);
        } else {
          project(context_, a_.type, group, plan_, p_);
        }
        blocks += renew_coefficients(group, dots_ + blocks);
        end_aside();
        if (refresh_ != SNMF4J_REFRESH_NONE && is_last(group)) {
          begin_aside([&](gpu::Stream& aside) {
            gram_and_row_sums(context_, aside, result_, *statistics_);
          });
        }
        if (cross) (*cross)(group);
        if (refresh_ == SNMF4J_REFRESH_SUPPORT) {
          add_support(context_, a_.type, group, result_.floats() + first(group), support_);
        }
      });
    });
    if (refresh_ == SNMF4J_REFRESH_SUPPORT) end_support(context_, support_, *statistics_);
    end_aside();
    sum_up(context_, products_, refresh_ == SNMF4J_REFRESH_NONE ? nullptr : statistics_, dots_,
           blocks, sums_);
  }

  // Puts work beside what follows in the context's stream, behind what is there.
  template <typename Work>
  void begin_aside(const Work& work) {
    context_.parted.record(context_.stream);
    context_.parted.hold(context_.aside);
    work(context_.aside);
    context_.rejoined.record(context_.aside);
    aside_ = true;
  }
  // What follows in the context's stream waits for it, if there is any.
  void end_aside() {
    if (aside_) context_.rejoined.hold(context_.stream);
    aside_ = false;
  }

  bool is_last(const Slab& group) const {
    return group.first_tile + group.shape.tiles() == a_.shape.tiles();
  }

  // Where a group's panels begin among those of Y.
  int64_t first(const Slab& group) const { return y_.shape.tile_offset(group.first_tile); }

  Coefficients coefficients(const Slab& group, double* dots) {
    const int64_t at = first(group);
    Coefficients c{};
    c.shape = group.shape;
    c.shape.rows = z_.rank;
    c.p = p_;
    c.y = y_.floats() + at;
    c.before = update_.before == nullptr ? nullptr : update_.before->floats() + at;
    c.scale = scales() ? scale_ : nullptr;
    c.result = result_.floats() + at;
    c.dots = dots;
    return c;
  }

  // Returns how many sums it leaves at `dots`.
  int64_t renew_coefficients(const Slab& group, double* dots) {
    Coefficients c = coefficients(group, dots);
    if (starts()) {
      solve_unconstrained(context_, start_, c.shape, p_, unconstrained_);
      c.start = unconstrained_;
      c.offset = start_.offset;
      c.failed = start_.failed;
    }
    update(context_, update_.rule, stops(), products_, numbers_, c, large_);
    return update_blocks(context_, update_.rule, z_.rank, c.shape.tokens);
  }

  void receive(double* sums) {
    context_.host_room.reserve(sizeof(PassSums));
    auto* received = reinterpret_cast<PassSums*>(context_.host_room.data());
    context_.stream.download(received, sums_, sizeof *received);
    context_.stream.finish();
    sums[0] = received->others;
    sums[1] = sums[2] = NAN;
    if (refresh_ == SNMF4J_REFRESH_NONE) return;
    sums[1] = 0;
    for (double part : received->quadratic) sums[1] += part;
    sums[2] = received->spread;
  }

  // All that enqueue() depends on: addresses, shapes and ways.
  Graphs::Key key() const {
    Graphs::Key key;
    const auto add = [&](const auto&... values) {
      (key.push_back(static_cast<uint64_t>(values)), ...);
    };
    const auto point = [&](const auto*... at) {
      (key.push_back(reinterpret_cast<uintptr_t>(at)), ...);
    };
    add(a_.type, a_.shape.rows, a_.shape.tokens, z_.rank, update_.rule, refresh_, dense_, scales(),
        stops(), columns_.nonzeros, support_columns_.nonzeros);
    point(a_.on_device.data(), z_.dense.data(), columns_.start, columns_.index, columns_.value,
          support_columns_.start, support_columns_.index, support_rows_.start, support_rows_.index,
          support_rows_.entry, y_.floats(), result_.floats(),
          update_.before == nullptr ? nullptr : update_.before->floats());
    if (statistics_ != nullptr) {
      point(statistics_->cross.data(), statistics_->gram.data(), statistics_->row_sums.data());
    }
    for (const auto& room : context_.scratch) point(room.data());
    return key;
  }

  snmf4j_context& context_;
  const snmf4j_panels& a_;
  snmf4j_features& z_;
  const snmf4j_update& update_;
  const snmf4j_panels& y_;
  snmf4j_panels& result_;
  int refresh_;
  snmf4j_statistics* const statistics_;
  const bool dense_;
  const SparseColumns columns_;
  SparseColumns support_columns_{};  // where C is wanted
  SparseRows support_rows_{};
  int64_t group_ = 0;  // panels whose P is there at the same time
  bool aside_ = false;  // work was put there, and not yet waited for

  // On the device.
  UpdateNumbers* numbers_ = nullptr;
  PassSums* sums_ = nullptr;
  double* scale_ = nullptr;
  Products products_{};
  ChunkPlan plan_{};
  UnconstrainedStart start_{};
  SupportPlan support_{};
  float* p_ = nullptr;
  float* unconstrained_ = nullptr;
  float* large_ = nullptr;
  double* dots_ = nullptr;
};

}  // namespace

int snmf4j_pass(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_update* update,
                const snmf4j_panels* y, snmf4j_panels* result, int refresh,
                snmf4j_statistics* statistics, double* sums) {
  return entry(context_of(a), [&] {
    require_shapes(a, z, y);
    require_shapes(a, z, result);
    require_target(result);
    require_update(update, y, result);
    require(sums != nullptr, "sums must not be null");
    require(refresh >= SNMF4J_REFRESH_NONE && refresh <= SNMF4J_REFRESH_DENSE,
            "refresh must be one of SNMF4J_REFRESH_*");
    if (refresh != SNMF4J_REFRESH_NONE) require_shapes(a, y, statistics);
    if (update->support != nullptr) require_shapes(a, update->support, y);
    Pass(*a, *z, *update, *y, *result, refresh, statistics).run(sums);
  });
}

int snmf4j_project(const snmf4j_panels* a, snmf4j_features* z, snmf4j_panels* result) {
  return entry(context_of(a), [&] {
    require_shapes(a, z, result);
    require_target(result);
    snmf4j_context& context = *a->context;
    result->version++;
    const auto target = [&](const Slab& slab) {
      return result->floats() + result->shape.tile_offset(slab.first_tile);
    };
    if (projects_dense(*z)) {
      DenseProjection projection(context, a->type, *z);
      for_each_slab(*a, [&](const Slab& slab) { projection(slab, target(slab)); });
      return;
    }
    const SparseColumns columns = sparse_columns(*z);
    Carver counting;
    chunk_plan(context, a->type, z->neurons, columns, counting);
    Carver carver(context.room<unsigned char>(0, counting.size()));
    const ChunkPlan plan = chunk_plan(context, a->type, z->neurons, columns, carver);
    fill_plan(context, plan);
    for_each_slab(*a, [&](const Slab& slab) {
      project(context, a->type, slab, plan, target(slab));
    });
  });
}
