// cuBLAS, function by function as its headers declare them, found in the library that the host has.
#include <dlfcn.h>
#include <library_types.h>

#include <climits>
#include <cstddef>
#include <memory>
#include <string>

#include "blas.hpp"

namespace snmf4j::gpu {
namespace {

// Of cublas_api.h, which the toolkits of builds may lack.
using Handle = struct cublasContext*;
enum Status : int { kSuccess = 0, kNotInitialized = 1, kAllocFailed = 3, kArchMismatch = 8 };
enum Compute : int { kCompute32F = 68, kCompute32FFastTf32 = 77 };
constexpr int kDefaultAlgorithm = -1;

// What NVIDIA recommends for Hopper, and more than the default of older devices.
constexpr std::size_t kWorkspace = std::size_t{32} << 20;

// libcublas needs its companion of the same version; it may lie beside it where nobody looks.
std::string companion(const std::string& path) {
  const std::string name = "libcublas.so";
  const std::size_t at = path.rfind(name);
  return at == std::string::npos ? std::string()
                                 : path.substr(0, at) + "libcublasLt.so" +
                                       path.substr(at + name.size());
}

int narrow(int64_t stride) {
  if (stride > INT_MAX) {
    throw Error(SNMF4J_INTERNAL, "rows " + std::to_string(stride) + " apart are too long for cuBLAS");
  }
  return static_cast<int>(stride);
}

}  // namespace

struct Blas::Functions {
  Status (*create)(Handle*);
  Status (*destroy)(Handle);
  Status (*get_version)(Handle, int*);
  Status (*set_stream)(Handle, cudaStream_t);
  Status (*set_workspace)(Handle, void*, std::size_t);
  Status (*gemm)(Handle, int, int, int, int, int, const void*, const void*, cudaDataType, int,
                 const void*, cudaDataType, int, const void*, void*, cudaDataType, int, int, int);
  Status (*dgemm)(Handle, int, int, int, int, int, const double*, const double*, int,
                  const double*, int, const double*, double*, int);
  const char* (*status_text)(Status);
  void* stream = nullptr;  // that the handle is set to

  Functions(void* library, const char* path) {
    find(library, path, "cublasCreate_v2", create);
    find(library, path, "cublasDestroy_v2", destroy);
    find(library, path, "cublasGetVersion_v2", get_version);
    find(library, path, "cublasSetStream_v2", set_stream);
    find(library, path, "cublasSetWorkspace_v2", set_workspace);
    find(library, path, "cublasGemmEx", gemm);
    find(library, path, "cublasDgemm_v2", dgemm);
    find(library, path, "cublasGetStatusString", status_text);
  }

  void check(Status status, const char* action) const {
    if (status == kSuccess) return;
    const int code = status == kAllocFailed ? SNMF4J_OUT_OF_MEMORY
                     : status == kNotInitialized || status == kArchMismatch ? SNMF4J_UNAVAILABLE
                                                                            : SNMF4J_INTERNAL;
    throw Error(code, std::string("cuBLAS cannot ") + action + ": " + status_text(status));
  }

  // Setting a stream takes the workspace away.
  void use(Handle handle, void* workspace, Stream& on) {
    if (stream == on.handle()) return;
    check(set_stream(handle, static_cast<cudaStream_t>(on.handle())), "use a stream");
    check(set_workspace(handle, workspace, kWorkspace), "use its workspace");
    stream = on.handle();
  }

 private:
  template <typename Function>
  static void find(void* library, const char* path, const char* name, Function& function) {
    void* const symbol = dlsym(library, name);
    if (symbol == nullptr) {
      throw Error(SNMF4J_UNAVAILABLE,
                  std::string(path) + " is no cuBLAS of ours: it has no function " + name);
    }
    function = reinterpret_cast<Function>(symbol);
  }
};

Blas::Blas(const char* path) {
  const std::string beside = companion(path);
  if (!beside.empty()) dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL);
  // Never closed: what CUDA's libraries leave behind at the end of a process needs their code.
  library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    const char* const cause = dlerror();
    throw Error(SNMF4J_UNAVAILABLE, std::string("cuBLAS cannot be loaded: ") +
                                        (cause == nullptr ? path : cause));
  }
  auto functions = std::make_unique<Functions>(library_, path);
  Handle handle = nullptr;
  functions->check(functions->create(&handle), "be initialized");
  try {
    workspace_ = allocate_device(kWorkspace);
  } catch (...) {
    functions->destroy(handle);
    throw;
  }
  handle_ = handle;
  functions_ = functions.release();
}

Blas::~Blas() {
  functions_->destroy(static_cast<Handle>(handle_));
  free_device(workspace_);
  delete functions_;
}

int Blas::version() const {
  int version = 0;
  const Status status = functions_->get_version(static_cast<Handle>(handle_), &version);
  return status == kSuccess ? version : 0;
}

void Blas::multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k, float alpha,
                    Element element, const void* a, int64_t lda, const void* b, int64_t ldb,
                    float beta, float* c, int64_t ldc, Arithmetic arithmetic) {
  const auto handle = static_cast<Handle>(handle_);
  const cudaDataType type = element == Element::kFloat32 ? CUDA_R_32F : CUDA_R_16BF;
  const Compute compute = element == Element::kFloat32 && arithmetic == Arithmetic::kTf32
                              ? kCompute32FFastTf32
                              : kCompute32F;
  functions_->use(handle, workspace_, stream);
  functions_->check(
      functions_->gemm(handle, static_cast<int>(a_op), static_cast<int>(b_op), m, n, k, &alpha, a,
                       type, narrow(lda), b, type, narrow(ldb), &beta, c, CUDA_R_32F, narrow(ldc),
                       compute, kDefaultAlgorithm),
      "multiply");
}

void Blas::multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k,
                    double alpha, const double* a, int64_t lda, const double* b, int64_t ldb,
                    double beta, double* c, int64_t ldc) {
  const auto handle = static_cast<Handle>(handle_);
  functions_->use(handle, workspace_, stream);
  functions_->check(functions_->dgemm(handle, static_cast<int>(a_op), static_cast<int>(b_op), m, n,
                                      k, &alpha, a, narrow(lda), b, narrow(ldb), &beta, c,
                                      narrow(ldc)),
                    "multiply");
}

}  // namespace snmf4j::gpu
