#include "blas.hpp"

#include <dlfcn.h>

#include <map>
#include <mutex>

#include "snmf4j/cpu.h"
#include "status.hpp"

namespace snmf4j {
namespace {

// CBLAS constants.
constexpr int kRowMajor = 101;
constexpr int kNoTrans = 111;
constexpr int kTrans = 112;
constexpr int kLower = 122;
constexpr int kNonUnit = 131;
constexpr int kRight = 142;

// OpenBLAS' thread count is one per process, and other users of the library may have set it: the
// first of our contexts sets it to one, the last restores it.
struct ThreadSetting {
  int users = 0;
  int before = 1;
};
std::mutex settings_mutex;
std::map<void*, ThreadSetting>& settings() {
  // Never destroyed: the process may exit while a thread closes its context.
  static auto* const map = new std::map<void*, ThreadSetting>();
  return *map;
}

}  // namespace

template <typename Function>
void Blas::find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(library_, name));
  if (function == nullptr) {
    close();
    throw Error(SNMF4J_UNAVAILABLE, std::string("the BLAS library has no ") + name);
  }
}

Blas::Blas(const char* path) {
  require(path != nullptr && path[0] != '\0', "blas must be the path of an OpenBLAS library");
  library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    const char* cause = dlerror();
    throw Error(SNMF4J_UNAVAILABLE,
                std::string("cannot load OpenBLAS: ") + (cause != nullptr ? cause : path));
  }
  find(sgemm_, "cblas_sgemm");
  find(dtrsm_, "cblas_dtrsm");
  find(dpotrf_, "dpotrf_");
  find(set_threads_, "openblas_set_num_threads");
  find(get_threads_, "openblas_get_num_threads");
  char* (*describe)() = nullptr;
  find(describe, "openblas_get_config");
  config_ = describe();
  std::lock_guard<std::mutex> lock(settings_mutex);
  ThreadSetting& setting = settings()[library_];
  if (setting.users++ == 0) {
    setting.before = get_threads_();
    set_threads_(1);
  }
}

Blas::~Blas() {
  {
    std::lock_guard<std::mutex> lock(settings_mutex);
    auto found = settings().find(library_);
    if (found != settings().end() && --found->second.users == 0) {
      set_threads_(found->second.before);
      settings().erase(found);
    }
  }
  close();
}

void Blas::close() noexcept {
  if (library_ != nullptr) dlclose(library_);
  library_ = nullptr;
}

void Blas::multiply_transposed(int m, int n, int k, const float* a, int lda, const float* b,
                               int ldb, float* c, int ldc) const {
  sgemm_(kRowMajor, kTrans, kNoTrans, m, n, k, 1.0f, a, lda, b, ldb, 0.0f, c, ldc);
}

bool Blas::cholesky(int k, double* matrix) const {
  // LAPACK's upper triangle in columns is our lower one in rows.
  int info = 0;
  dpotrf_("U", &k, matrix, &k, &info, 1);
  return info == 0;
}

void Blas::solve_transposed(int m, int k, const double* lower, double* rows) const {
  dtrsm_(kRowMajor, kRight, kLower, kTrans, kNonUnit, m, k, 1.0, lower, k, rows, k);
}

void Blas::solve_rows(int m, int k, const double* lower, double* rows) const {
  solve_transposed(m, k, lower, rows);
  dtrsm_(kRowMajor, kRight, kLower, kNoTrans, kNonUnit, m, k, 1.0, lower, k, rows, k);
}

}  // namespace snmf4j
