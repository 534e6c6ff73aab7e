// cuBLAS through its C interface, of which this declares as much as is used here.
#include <dlfcn.h>

#include <climits>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "blas.hpp"

namespace snmf4j::gpu {
namespace {

// As cublas_api.h and library_types.h have them; their values are part of the ABI.
using Handle = struct cublasContext*;
constexpr int kSuccess = 0;
constexpr int kAllocFailed = 3;
constexpr int kDefaultMath = 0;
constexpr int kFloat = 0;        // CUDA_R_32F
constexpr int kBfloat = 14;      // CUDA_R_16BF
constexpr int kComputeFloat = 68;  // CUBLAS_COMPUTE_32F
constexpr int kComputeTf32 = 77;   // CUBLAS_COMPUTE_32F_FAST_TF32
constexpr int kDefaultAlgorithm = -1;

// What NVIDIA recommends for compute capability 9; earlier ones need less.
constexpr std::size_t kWorkspace = std::size_t{32} << 20;

// Order of the products that make cuBLAS load its code, and room for one of their matrices.
constexpr int kFirst = 64;
constexpr std::size_t kFirstBytes = kFirst * kFirst * sizeof(double);

const char* name_of(int status) {
  switch (status) {
    case 1:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case kAllocFailed:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case 7:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case 8:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case 11:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case 13:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case 14:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case 15:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case 16:
      return "CUBLAS_STATUS_LICENSE_ERROR";
    default:
      return "an unknown status";
  }
}

// `otherwise` is what a failure that is not one of memory counts as.
void check(int status, const char* action, int otherwise = SNMF4J_INTERNAL) {
  if (status == kSuccess) return;
  throw Error(status == kAllocFailed ? SNMF4J_OUT_OF_MEMORY : otherwise,
              std::string("cuBLAS cannot ") + action + ": " + name_of(status) + " (" +
                  std::to_string(status) + ")");
}

int narrow(int64_t distance) {
  if (distance > INT_MAX) {
    throw Error(SNMF4J_INTERNAL, "a matrix is too high for cuBLAS: " + std::to_string(distance));
  }
  return static_cast<int>(distance);
}

// The library needs its companion of the same version, which may lie beside it, where the loader
// looks only if it is told.
std::string companion(const std::string& path) {
  const std::string name = "libcublas.so";
  const std::size_t at = path.rfind(name);
  if (at == std::string::npos) return "";
  return path.substr(0, at) + "libcublasLt.so" + path.substr(at + name.size());
}

}  // namespace

struct Blas::Library {
  void* loaded = nullptr;
  Handle handle = nullptr;
  void* stream = nullptr;  // that the handle works in
  std::thread loading;     // has the handle for itself until it ends

  int (*create)(Handle*) = nullptr;
  int (*destroy)(Handle) = nullptr;
  int (*get_version)(Handle, int*) = nullptr;
  int (*set_stream)(Handle, void*) = nullptr;
  int (*set_workspace)(Handle, void*, std::size_t) = nullptr;
  int (*set_math_mode)(Handle, int) = nullptr;
  int (*gemm_ex)(Handle, int, int, int, int, int, const void*, const void*, int, int, const void*,
                 int, int, const void*, void*, int, int, int, int) = nullptr;
  int (*dgemm)(Handle, int, int, int, int, int, const double*, const double*, int, const double*,
               int, const double*, double*, int) = nullptr;

  explicit Library(const char* path) {
    const std::string beside = companion(path);
    if (!beside.empty()) dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL);
    loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (loaded == nullptr) {
      const char* cause = dlerror();
      throw Error(SNMF4J_UNAVAILABLE,
                  std::string("cannot load cuBLAS: ") + (cause != nullptr ? cause : path));
    }
    try {
      find(create, "cublasCreate_v2");
      find(destroy, "cublasDestroy_v2");
      find(get_version, "cublasGetVersion_v2");
      find(set_stream, "cublasSetStream_v2");
      find(set_workspace, "cublasSetWorkspace_v2");
      find(set_math_mode, "cublasSetMathMode");
      find(gemm_ex, "cublasGemmEx");
      find(dgemm, "cublasDgemm_v2");
      check(create(&handle), "start", SNMF4J_UNAVAILABLE);
    } catch (...) {
      dlclose(loaded);
      throw;
    }
  }

  ~Library() {
    if (loading.joinable()) loading.join();
    // Its code stays loaded: others in the process may have been given it, and it ends by itself.
    if (handle != nullptr) destroy(handle);
  }

  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <typename Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(loaded, name));
    if (function == nullptr) {
      throw Error(SNMF4J_UNAVAILABLE, std::string("the cuBLAS library has no ") + name);
    }
  }

  // The first products of float32 and of float64 take a tenth of a second, in which cuBLAS brings
  // its code to the device: meanwhile activations can be packed.
  void load(int device, unsigned char* workspace) {
    try {
      loading = std::thread([this, device, workspace] {
        try {
          use_device(device);
          multiply_first(workspace);
        } catch (...) {
          // Whatever it is, products that are wanted meet it again.
        }
      });
    } catch (const std::system_error&) {
      // No thread: the first product waits.
    }
  }

  void multiply_first(unsigned char* workspace) {
    Stream own;
    const std::size_t used = 3 * kFirstBytes;
    own.clear(workspace, used);
    check(set_stream(handle, own.handle()), "use a stream");
    check(set_workspace(handle, workspace + used, kWorkspace - used), "use a workspace");
    void* const a = workspace;
    void* const b = workspace + kFirstBytes;
    void* const c = workspace + 2 * kFirstBytes;
    constexpr int kOperations[][2] = {{0, 0}, {0, 1}, {1, 0}};
    const float one = 1, zero = 0;
    const double wide_one = 1, wide_zero = 0;
    for (const auto& of : kOperations) {
      check(gemm_ex(handle, of[0], of[1], kFirst, kFirst, kFirst, &one, a, kFloat, kFirst, b,
                    kFloat, kFirst, &zero, c, kFloat, kFirst, kComputeFloat, kDefaultAlgorithm),
            "multiply");
      check(dgemm(handle, of[0], of[1], kFirst, kFirst, kFirst, &wide_one,
                  static_cast<const double*>(a), kFirst, static_cast<const double*>(b), kFirst,
                  &wide_zero, static_cast<double*>(c), kFirst),
            "multiply in float64");
    }
    own.finish();
  }

  // The workspace has to be given again after each change of the stream.
  void enter(const Stream& chosen, Array<unsigned char>& workspace) {
    if (loading.joinable()) loading.join();
    if (stream == chosen.handle() && stream != nullptr) return;
    check(set_stream(handle, chosen.handle()), "use a stream");
    check(set_workspace(handle, workspace.data(), workspace.bytes()), "use a workspace");
    stream = chosen.handle();
  }
};

Blas::Blas(const char* path, int device, Memory& memory) {
  auto library = std::make_unique<Library>(path);
  // Products of float32 are computed in it, unless one asks for less.
  check(library->set_math_mode(library->handle, kDefaultMath), "set its math mode");
  if (memory.left() < static_cast<int64_t>(kWorkspace)) {
    throw Error(SNMF4J_OUT_OF_MEMORY,
                "the limit of " + std::to_string(memory.limit() >> 20) +
                    " MiB of device memory is too little: cuBLAS alone works in " +
                    std::to_string(kWorkspace >> 20) + " MiB, beside the data");
  }
  workspace_ = Array<unsigned char>(&memory, kWorkspace);
  check(library->get_version(library->handle, &version_), "tell its version");
  library->load(device, workspace_.data());
  library_ = library.release();
}

Blas::~Blas() { delete library_; }

void Blas::multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k,
                    float alpha, Element element, const void* a, int64_t lda, const void* b,
                    int64_t ldb, float beta, float* c, int64_t ldc, Arithmetic arithmetic) {
  library_->enter(stream, workspace_);
  const int type = element == Element::kFloat32 ? kFloat : kBfloat;
  const int compute = element == Element::kFloat32 && arithmetic == Arithmetic::kTf32
                          ? kComputeTf32
                          : kComputeFloat;
  check(library_->gemm_ex(library_->handle, static_cast<int>(a_op), static_cast<int>(b_op), m, n,
                          k, &alpha, a, type, narrow(lda), b, type, narrow(ldb), &beta, c, kFloat,
                          narrow(ldc), compute, kDefaultAlgorithm),
        "multiply");
}

void Blas::multiply(Stream& stream, Operation a_op, Operation b_op, int m, int n, int k,
                    double alpha, const double* a, int64_t lda, const double* b, int64_t ldb,
                    double beta, double* c, int64_t ldc) {
  library_->enter(stream, workspace_);
  check(library_->dgemm(library_->handle, static_cast<int>(a_op), static_cast<int>(b_op), m, n, k,
                        &alpha, a, narrow(lda), b, narrow(ldb), &beta, c, narrow(ldc)),
        "multiply in float64");
}

}  // namespace snmf4j::gpu
