// The kernels of every instruction set that this CPU runs, and of every element type.
#ifndef SNMF4J_TEST_EVERY_KERNEL_HPP
#define SNMF4J_TEST_EVERY_KERNEL_HPP

#include <doctest/doctest.h>

#include <vector>

#include "handles.hpp"
#include "kernels.hpp"
#include "stored.hpp"

inline std::vector<const snmf4j::Kernels*> runnable() {
  std::vector<const snmf4j::Kernels*> result;
  for (int isa : {SNMF4J_ISA_PORTABLE, SNMF4J_ISA_AVX2, SNMF4J_ISA_AVX512}) {
    if (isa <= snmf4j::best_isa()) {
      result.push_back(&snmf4j::kernels_for(isa));
    } else {
      MESSAGE("not run on this CPU: " << snmf4j_isa_name(isa));
    }
  }
  return result;
}

// Runs a check for every instruction set and element type.
template <typename Check>
void for_each_type(Check check) {
  for (const snmf4j::Kernels* kernels : runnable()) {
    for (const StoredType& type : kStoredTypes) {
      CAPTURE(kernels->name);
      CAPTURE(type.name);
      check(*kernels, type, kernels->*type.kernels);
    }
  }
}

#endif
