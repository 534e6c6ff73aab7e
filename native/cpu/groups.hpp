// Panels in groups, and each worker's way through them.
#ifndef SNMF4J_CPU_GROUPS_HPP
#define SNMF4J_CPU_GROUPS_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "threads.hpp"

namespace snmf4j {

// Depends on the number of panels only. Most groups are owned: each worker has a range of them. The
// last few, which are small, are open to whoever is done first: workers are never equally fast, and
// their ranges hardly ever equally long.
class Groups {
 public:
  explicit Groups(int64_t panels)
      : unit_(panels < kFewest ? 0 : std::clamp(panels / kPanelsPerUnit, int64_t{1}, kMaxUnit)),
        panels_(panels - unit_ * kUnits[kOpen]),
        owned_(group_count(panels_)) {}

  int64_t owned() const { return owned_; }
  int64_t open() const { return unit_ == 0 ? 0 : kOpen; }
  int64_t all() const { return owned_ + open(); }

  // The first panel of a group, or of none after the last.
  int64_t first(int64_t group) const {
    if (group > owned_) return panels_ + unit_ * kUnits[group - owned_];
    return panels_ / owned_ * group + panels_ % owned_ * group / owned_;
  }

 private:
  // Many groups, so that many workers get even shares, but not so many that adding them up takes
  // long; and at most so many panels each: their tokens sum up to a total, so that the error stays
  // at that of a few dozen roundings.
  static constexpr int64_t kGroups = 32;
  static constexpr int64_t kFewPanels = 128;
  static constexpr int64_t kMaxGroup = 16;

  // Where open groups begin, in units of panels: each takes about half of what is left.
  static constexpr int64_t kOpen = 4;
  static constexpr int64_t kUnits[] = {0, 4, 6, 7, 8};
  static constexpr int64_t kPanelsPerUnit = 256;
  static constexpr int64_t kMaxUnit = 4;
  // With fewer panels no group is open.
  static constexpr int64_t kFewest = 32;

  static int64_t group_count(int64_t panels) {
    const int64_t least = panels < kFewPanels ? kGroups / 2 : kGroups;
    return std::min(panels, std::max(least, (panels + kMaxGroup - 1) / kMaxGroup));
  }

  const int64_t unit_;
  const int64_t panels_;  // of the owned groups
  const int64_t owned_;
};

// The groups as one worker comes to them: its own, and then those that it is the first to take.
class Claims {
 public:
  Claims(const Groups& groups, const ThreadPool& pool) : groups_(groups), pool_(pool) {}

  const Groups& groups() const { return groups_; }
  int64_t begin(int worker) const { return pool_.bound(groups_.owned(), worker); }
  // An open group that is nobody's yet, or a number that is none's.
  int64_t take() { return groups_.owned() + taken_++; }

 private:
  const Groups& groups_;
  const ThreadPool& pool_;
  std::atomic<int64_t> taken_{0};
};

// One worker's way through the panels.
class Walk {
 public:
  static constexpr int64_t kNone = -1;

  Walk(Claims& claims, int worker)
      : claims_(claims),
        groups_(claims.groups()),
        end_(claims.begin(worker + 1)),
        next_(claims.begin(worker)) {
    if (next_ == end_) next_ = kNone;
  }

  // Goes on to a panel of the same group, or to the next group; false where there is none.
  bool step() { return ++panel_ < last_; }
  bool step_group() {
    take();
    group_ = next_;
    if (group_ >= groups_.all()) return false;
    panel_ = groups_.first(group_) - 1;
    last_ = groups_.first(group_ + 1);
    next_ = group_ + 1 < end_ ? group_ + 1 : kNone;
    return true;
  }

  int64_t group() const { return group_; }
  int64_t panel() const { return panel_; }

  // The panel that comes after this one, or kNone if there is none or it is not decided yet.
  int64_t following() const {
    if (panel_ + 1 < last_) return panel_ + 1;
    return next_ != kNone && next_ < groups_.all() ? groups_.first(next_) : kNone;
  }

  // The same, but decides: late, so that who is done first is known by then.
  int64_t decide() {
    if (panel_ + 1 == last_) take();
    return following();
  }

 private:
  void take() {
    if (next_ == kNone) next_ = claims_.take();
  }

  Claims& claims_;
  const Groups& groups_;
  const int64_t end_;  // of the groups that the worker owns
  int64_t next_;       // group, kNone while that is open
  int64_t group_ = kNone;
  int64_t panel_ = 0;
  int64_t last_ = 0;  // panel after the group's
};

}  // namespace snmf4j

#endif
