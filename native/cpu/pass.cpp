// The passes over A: each worker takes a range of panels and does everything for a panel while it
// is in the cache.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

#include "handles.hpp"
#include "schedule.hpp"
#include "status.hpp"
#include "sums.hpp"
#include "union.hpp"
#include "updates.hpp"

using namespace snmf4j;

namespace {

void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y) {
  require(a != nullptr && y != nullptr, "panels must not be null");
  require(a->context == y->context, "all handles must share a context");
  require(a->tokens == y->tokens, "A and Y must have the same tokens");
  require(y->type == SNMF4J_FLOAT32, "Y must be SNMF4J_FLOAT32");
}

void require_shapes(const snmf4j_panels* a, const snmf4j_features* z, const snmf4j_panels* y) {
  require_shapes(a, y);
  require(z != nullptr, "features must not be null");
  require(z->context == a->context, "all handles must share a context");
  require(z->neurons == a->rows, "A and Z must have the same neurons");
  require(z->rank == y->rows, "Z and Y must have the same rank");
}

void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y, const snmf4j_statistics* s) {
  require(s != nullptr, "statistics must not be null");
  require(s->context == a->context, "all handles must share a context");
  require(s->neurons == a->rows && s->rank == y->rows, "shapes must agree");
}

const void* stored(const snmf4j_panels& a, int64_t panel) {
  return panel == Walk::kNone ? nullptr : a.stored(panel);
}

// P of a panel, by the kernel that suits the density of the features.
class Projector {
 public:
  Projector(const snmf4j_panels& a, snmf4j_features& z)
      : stored_(a.kernels),
        dense_(z.is_dense() ? z.dense.data() : nullptr),
        columns_(dense_ == nullptr ? z.columns() : SparseColumns{}),
        support_(dense_ == nullptr ? &z.support() : nullptr),
        neurons_(z.neurons),
        rank_(z.rank) {}

  // Of `next`, the panel that comes after, or null: the rows that it will be projected from, those
  // needed first first.
  Fetch ahead(const void* next) const {
    if (next == nullptr || support_ == nullptr) return {};
    return {static_cast<const char*>(next), support_->by_column(), support_->touched_count(),
            kPanel * stored_.bytes};
  }

  // Bytes of the rows that a panel is projected from, if they are some only.
  int64_t bytes() const {
    return support_ == nullptr ? 0 : support_->touched_count() * kPanel * stored_.bytes;
  }

  // `next` is the panel that comes after, or null.
  void operator()(const void* a, float* p, const void* next, const Fetch& fetch) const {
    if (dense_ == nullptr) {
      stored_.project(a, columns_, p, fetch);
    } else {
      stored_.project_dense(a, neurons_, dense_, rank_, p, next);
    }
  }

 private:
  const PanelKernels& stored_;
  const float* const dense_;  // null if sparse
  const SparseColumns columns_;
  const SupportOrder* const support_;  // null if dense
  const int64_t neurons_;
  const int rank_;
};

}  // namespace

int snmf4j_dense_statistics(const snmf4j_panels* a, const snmf4j_panels* y,
                            snmf4j_statistics* result) {
  return entry([&] {
    require_shapes(a, y);
    require_shapes(a, y, result);
    snmf4j_context& context = *a->context;
    Sums sums(*a, result, SNMF4J_REFRESH_DENSE, nullptr);
    Claims claims(sums.groups(), context.pool);
    context.pool.run([&](int worker) {
      for (Walk walk(claims, worker); walk.step_group();) {
        snmf4j_part& part = sums.part(worker, walk.group());
        while (walk.step()) {
          const int64_t p = walk.panel();
          sums.add(worker, part, a->stored(p), y->panel(p), Fetch{}, Fetch{});
        }
        sums.settle(worker, walk.group());
      }
    });
    sums.reduce();
    sum_cross(*a, *y, *result);
  });
}

int snmf4j_pass(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_update* update,
                const snmf4j_panels* y, snmf4j_panels* result, int refresh,
                snmf4j_statistics* statistics, double* sums_out) {
  return entry([&] {
    require_shapes(a, z, y);
    require_shapes(a, z, result);
    require_update(update, y, result);
    require(sums_out != nullptr, "sums must not be null");
    require(refresh >= SNMF4J_REFRESH_NONE && refresh <= SNMF4J_REFRESH_DENSE,
            "refresh must be one of SNMF4J_REFRESH_*");
    if (refresh != SNMF4J_REFRESH_NONE) require_shapes(a, y, statistics);
    if (update->support != nullptr) require_shapes(a, update->support, y);
    snmf4j_context& context = *a->context;
    const Kernels& kernels = context.kernels;
    const bool multiplicative = update->rule == SNMF4J_RULE_MULTIPLICATIVE;
    const bool solving = update->rule == SNMF4J_RULE_LEAST_SQUARES;
    const int64_t size = static_cast<int64_t>(z->rank) * kPanel;
    const Projector project(*a, *z);
    const Products q(context, *z);
    // Each rule reads Q in a form of its own.
    std::optional<SignedForm> signs;
    std::optional<Descent> descent;
    std::optional<UnconstrainedStart> start;
    if (multiplicative) {
      signs.emplace(context, q);
    } else {
      descent.emplace(context, q, update->penalty,
                      solving ? kRelaxation : static_cast<float>(update->relaxation));
      if (solving) start.emplace(context, *descent);
    }
    const bool on_support = refresh == SNMF4J_REFRESH_SUPPORT;
    SupportOrder wider;
    std::vector<int32_t> extra;  // rows of `wider` that Z does not have
    const SupportOrder* support = on_support ? &z->support() : nullptr;
    if (on_support && update->support != nullptr) {
      const SupportUnion both(&context.memory, z->rows(), update->support->rows());
      wider.arrange(&context.memory, both.rows());
      support = &wider;
      std::set_difference(wider.touched(), wider.touched() + wider.touched_count(),
                          z->support().touched(),
                          z->support().touched() + z->support().touched_count(),
                          std::back_inserter(extra));
    }
    Sums sums(*a, statistics, refresh, support);
    const Schedule schedule(multiplicative ? 0 : certain_sweeps(update->sweeps, update->tolerance),
                            refresh);
    const Schedule hurried(0, refresh);
    // What the last pass has left in the last cache comes fast. Asked for early it would leave the
    // second cache again, which holds not much more than the rows of two panels.
    const bool cached = on_support && project.bytes() > 0 &&
                        project.bytes() * a->count <= context.cache;
    for (snmf4j_scratch& scratch : context.scratch) {
      scratch.projection.reserve(&context.memory, static_cast<std::size_t>(size));
      scratch.source.reserve(&context.memory, static_cast<std::size_t>(size));
    }
    const bool in_place = result == y && update->before == nullptr && update->row_scale == nullptr;
    const auto renew = [&](int64_t panel, const float* p, const Fetch& ahead, float* source) {
      float* target = result->panel(panel);
      if (solving) {
        const double explained = (*start)(p, a->tokens - panel * kPanel, target);
        descent->run(p, target, update->sweeps, update->tolerance, explained, ahead);
        return;
      }
      if (multiplicative) {
        read_source(kernels, *update, *y, panel, source);
        kernels.multiply(signs->rows, p, source, static_cast<float>(update->epsilon), target);
        return;
      }
      // A descent changes Y where it stands.
      if (!in_place) read_source(kernels, *update, *y, panel, target);
      const double explained = update->tolerance > 0 ? descent->explained(p, target) : 0;
      descent->run(p, target, update->sweeps, update->tolerance, explained, ahead);
    };
    Claims claims(sums.groups(), context.pool);
    context.pool.run([&](int worker) {
      float* p = context.scratch[static_cast<std::size_t>(worker)].projection.data();
      float* source = context.scratch[static_cast<std::size_t>(worker)].source.data();
      for (Walk walk(claims, worker); walk.step_group();) {
        snmf4j_part& part = sums.part(worker, walk.group());
        while (walk.step()) {
          const int64_t panel = walk.panel();
          const void* next = cached ? nullptr : stored(*a, walk.following());
          const Fetch ahead = project.ahead(next);
          // Rows of this panel that only C will be summed on.
          const Fetch others{static_cast<const char*>(a->stored(panel)), extra.data(),
                             static_cast<int64_t>(extra.size()), kPanel * a->kernels.bytes};
          project(a->stored(panel), p, next,
                  extra.empty() ? schedule.while_projecting(ahead) : others);
          renew(panel, p, schedule.while_sweeping(ahead), source);
          part.product += kernels.dot(p, result->panel(panel), size);
          // In the time that is left, if it was not known before, or need not come from far.
          const Schedule& rest = next == nullptr ? hurried : schedule;
          const Fetch later = next == nullptr ? project.ahead(stored(*a, walk.decide())) : ahead;
          sums.add(worker, part, a->stored(panel), result->panel(panel), rest.while_crossing(later),
                   rest.while_squaring(later));
        }
        sums.settle(worker, walk.group());
      }
    });
    const double product = sums.reduce();
    if (refresh == SNMF4J_REFRESH_DENSE) sum_cross(*a, *result, *statistics);
    sums_out[0] = product;
    sums_out[1] = sums.quadratic(q);
    sums_out[2] = sums.spread(q);
  });
}

int snmf4j_project(const snmf4j_panels* a, snmf4j_features* z, snmf4j_panels* result) {
  return entry([&] {
    require_shapes(a, z, result);
    const Projector project(*a, *z);
    a->context->pool.ranges(a->count, [&](int, int64_t from, int64_t to) {
      for (int64_t p = from; p < to; p++) {
        const void* next = p + 1 < to ? a->stored(p + 1) : nullptr;
        project(a->stored(p), result->panel(p), next, project.ahead(next));
      }
    });
  });
}

int snmf4j_residual(const snmf4j_panels* a, snmf4j_features* z, const snmf4j_panels* y,
                    double* result) {
  return entry([&] {
    require_shapes(a, z, y);
    require(result != nullptr, "result must not be null");
    const SparseRows rows = z->rows();
    std::vector<double> parts(static_cast<std::size_t>(a->context->pool.size()), 0);
    a->context->pool.ranges(a->count, [&](int worker, int64_t from, int64_t to) {
      double total = 0;
      for (int64_t p = from; p < to; p++) {
        total += a->kernels.residual(a->stored(p), rows, y->panel(p));
      }
      parts[static_cast<std::size_t>(worker)] = total;
    });
    *result = 0;
    for (double part : parts) *result += part;
  });
}
