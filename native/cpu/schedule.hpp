// When a pass asks for the rows of the panel that comes next.
#ifndef SNMF4J_CPU_SCHEDULE_HPP
#define SNMF4J_CPU_SCHEDULE_HPP

#include "kernels.hpp"
#include "snmf4j/operations.h"

namespace snmf4j {

// Part `from` up to part `to` of so many.
inline Fetch split(const Fetch& fetch, int64_t from, int64_t to, int64_t parts) {
  const int64_t begin = fetch.count * from / parts;
  return {fetch.panel, fetch.row + begin, fetch.count * to / parts - begin, fetch.row_bytes};
}

// Sweeps that are made whatever they gain.
inline int certain_sweeps(int sweeps, double tolerance) { return tolerance > 0 ? 1 : sweeps; }

// The memory needs most of the time that the arithmetic takes: what is asked for is spread over all
// of it.
class Schedule {
 public:
  // Sweeps are those that are certain. A panel that is projected has enough to load: only where
  // nothing follows the sweeps is the next one asked for meanwhile.
  Schedule(int sweeps, int refresh)
      : projected_(refresh == SNMF4J_REFRESH_NONE ? kProjection : 0),
        swept_(projected_ + int64_t{sweeps} * kSweep),
        crossed_(swept_ + (refresh == SNMF4J_REFRESH_SUPPORT ? kCross : 0)),
        all_(crossed_ + (refresh == SNMF4J_REFRESH_NONE ? 0 : kGram)) {}

  Fetch while_projecting(const Fetch& all) const { return part(all, 0, projected_); }
  Fetch while_sweeping(const Fetch& all) const { return part(all, projected_, swept_); }
  Fetch while_crossing(const Fetch& all) const { return part(all, swept_, crossed_); }
  Fetch while_squaring(const Fetch& all) const { return part(all, crossed_, all_); }

 private:
  // About the times of P, a sweep, C on the support and G at rank 100 and density 0.01.
  static constexpr int kProjection = 3, kSweep = 3, kCross = 3, kGram = 2;

  Fetch part(const Fetch& all, int64_t from, int64_t to) const {
    return from == to ? Fetch{} : split(all, from, to, all_);
  }

  const int64_t projected_, swept_, crossed_, all_;
};

}  // namespace snmf4j

#endif
