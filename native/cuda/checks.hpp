// What handles have to be to go together.
#ifndef SNMF4J_CUDA_CHECKS_HPP
#define SNMF4J_CUDA_CHECKS_HPP

#include <cmath>

#include "handles.hpp"
#include "limits.hpp"

namespace snmf4j {

// Panels that are read or written as coefficients.
inline void require_coefficients(const snmf4j_panels* y) {
  require(y != nullptr, "panels must not be null");
  require(y->type == SNMF4J_FLOAT32, "Y must be SNMF4J_FLOAT32");
  require(!y->streams(), "Y must be on the device: create it as zeros");
}

inline void require_target(const snmf4j_panels* y) {
  require_coefficients(y);
  require(y->origin == nullptr, "a sample cannot be written to");
}

inline void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y) {
  require(a != nullptr && y != nullptr, "panels must not be null");
  require(a->context == y->context, "all handles must share a context");
  require(a->shape.tokens == y->shape.tokens, "A and Y must have the same tokens");
  require_coefficients(y);
}

inline void require_shapes(const snmf4j_panels* a, const snmf4j_features* z,
                           const snmf4j_panels* y) {
  require_shapes(a, y);
  require(z != nullptr, "features must not be null");
  require(z->context == a->context, "all handles must share a context");
  require(z->neurons == a->shape.rows, "A and Z must have the same neurons");
  require(z->rank == y->shape.rows, "Z and Y must have the same rank");
}

inline void require_shapes(const snmf4j_panels* a, const snmf4j_panels* y,
                           const snmf4j_statistics* s) {
  require(s != nullptr, "statistics must not be null");
  require(s->context == a->context, "all handles must share a context");
  require(s->neurons == a->shape.rows && s->rank == y->shape.rows, "shapes must agree");
}

inline void require_update(const snmf4j_update* update, const snmf4j_panels* y,
                           const snmf4j_panels* result) {
  require(update != nullptr, "update must not be null");
  if (update->rule == SNMF4J_RULE_MULTIPLICATIVE) {
    require(update->epsilon > 0, "epsilon must be positive");
  } else {
    require(update->rule == SNMF4J_RULE_HALS || update->rule == SNMF4J_RULE_LEAST_SQUARES,
            "rule must be one of SNMF4J_RULE_*");
    require(update->sweeps >= 1, "sweeps must be at least 1");
    require(update->tolerance >= 0, "tolerance must not be negative");
    require_penalty(update->penalty);
    if (update->rule == SNMF4J_RULE_HALS) require_relaxation(update->relaxation);
  }
  const snmf4j_panels* before = update->before;
  if (before == nullptr) return;
  require(before->context == y->context, "all handles must share a context");
  require(before->type == SNMF4J_FLOAT32, "what was before must be SNMF4J_FLOAT32");
  require(before->shape.rows == y->shape.rows && before->shape.tokens == y->shape.tokens,
          "Y and what was before must have the same shape");
  require(before != result, "what was before must not be overwritten");
  require(!before->streams(), "what was before must be on the device: create it as zeros");
  require(update->beta >= 0 && update->beta <= 1, "beta must be between 0 and 1");
}

}  // namespace snmf4j

#endif
