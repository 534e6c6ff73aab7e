#include <cstdio>

#include "cache.hpp"
#include "handles.hpp"
#include "status.hpp"

namespace snmf4j {

int best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      return SNMF4J_ISA_AVX512;
    }
    return SNMF4J_ISA_AVX2;
  }
#endif
  return SNMF4J_ISA_PORTABLE;
}

const Kernels& kernels_for(int isa) {
  const int best = best_isa();
  const int wanted = isa == SNMF4J_ISA_BEST ? best : isa;
  require(wanted >= SNMF4J_ISA_PORTABLE && wanted <= SNMF4J_ISA_AVX512,
          "isa must be one of SNMF4J_ISA_*");
  if (wanted > best) {
    char message[128];
    std::snprintf(message, sizeof message, "this CPU runs %s kernels at best, not %s",
                  snmf4j_isa_name(best), snmf4j_isa_name(wanted));
    throw Error(SNMF4J_UNAVAILABLE, message);
  }
#if defined(__x86_64__)
  if (wanted == SNMF4J_ISA_AVX512) return kAvx512Kernels;
  if (wanted == SNMF4J_ISA_AVX2) return kAvx2Kernels;
#endif
  return kPortableKernels;
}

}  // namespace snmf4j

using namespace snmf4j;

snmf4j_context::snmf4j_context(int threads, int wanted_isa, const char* blas_path)
    : isa(wanted_isa == SNMF4J_ISA_BEST ? best_isa() : wanted_isa),
      kernels(kernels_for(wanted_isa)),
      blas(blas_path),
      pool(threads),
      cache(last_cache(threads)),
      scratch(static_cast<std::size_t>(threads)) {}

int snmf4j_cpu_abi(void) { return SNMF4J_CPU_ABI; }

const char* snmf4j_last_message(void) { return last_message(); }

int snmf4j_best_isa(void) { return best_isa(); }

const char* snmf4j_isa_name(int isa) {
  switch (isa) {
    case SNMF4J_ISA_AVX512:
      return "avx512";
    case SNMF4J_ISA_AVX2:
      return "avx2";
    default:
      return "portable";
  }
}

int snmf4j_context_create(int threads, int isa, const char* blas, snmf4j_context** result) {
  return entry([&] {
    require(result != nullptr, "result must not be null");
    require(threads >= 1 && threads <= 1024, "threads must be between 1 and 1024");
    *result = new snmf4j_context(threads, isa, blas);
  });
}

int snmf4j_context_destroy(snmf4j_context* context) {
  return entry([&] { delete context; });
}

int snmf4j_context_isa(const snmf4j_context* context) {
  return context == nullptr ? SNMF4J_ISA_BEST : context->isa;
}

const char* snmf4j_context_blas(const snmf4j_context* context) {
  return context == nullptr ? "" : context->blas.config();
}

int snmf4j_context_memory(const snmf4j_context* context, int64_t* use) {
  return entry([&] {
    require(context != nullptr && use != nullptr, "context and use must not be null");
    use[0] = context->memory.current();
    use[1] = context->memory.peak();
  });
}

int snmf4j_context_reset_peak(snmf4j_context* context) {
  return entry([&] {
    require(context != nullptr, "context must not be null");
    context->memory.reset_peak();
  });
}
