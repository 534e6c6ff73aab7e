// Limits of numbers that operations of either library take.
#ifndef SNMF4J_COMMON_LIMITS_HPP
#define SNMF4J_COMMON_LIMITS_HPP

#include <cmath>

#include "status.hpp"

namespace snmf4j {

inline void require_penalty(double penalty) {
  require(penalty >= 0 && std::isfinite(penalty), "penalty must be finite and not negative");
}

inline void require_relaxation(double relaxation) {
  require(relaxation >= 1 && relaxation < 2, "relaxation must be at least 1 and below 2");
}

}  // namespace snmf4j

#endif
