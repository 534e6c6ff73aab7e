// How cuBLAS is loaded and called, by a library that has its functions.
#include "blas.hpp"

#include "device.hpp"

using namespace snmf4j;
using namespace snmf4j::gpu;

namespace {

struct Failing {
  explicit Failing(const char* how) { setenv("SNMF4J_FAKE_CUBLAS", how, 1); }
  ~Failing() { unsetenv("SNMF4J_FAKE_CUBLAS"); }
};

template <typename Body>
void throws(int status, const std::string& part, Body body) {
  try {
    body();
    FAIL("nothing was thrown");
  } catch (const Error& e) {
    CHECK(e.status() == status);
    const std::string message = e.what();
    CHECK_MESSAGE(message.find(part) != std::string::npos, message);
  }
}

constexpr int64_t kLimit = int64_t{1} << 30;

}  // namespace

TEST_CASE("what cannot be loaded is told by name") {
  Memory memory(kLimit);
  throws(SNMF4J_UNAVAILABLE, "/nowhere/libcublas.so.13",
         [&] { Blas("/nowhere/libcublas.so.13", 0, memory); });
  throws(SNMF4J_UNAVAILABLE, "cublasGemmEx", [&] { Blas(SNMF4J_FAKE_WITHOUT_GEMM, 0, memory); });
  CHECK(memory.current() == 0);
}

TEST_CASE("statuses become errors with their names") {
  Memory memory(kLimit);
  {
    Failing failing("create=1");
    throws(SNMF4J_UNAVAILABLE, "CUBLAS_STATUS_NOT_INITIALIZED",
           [&] { Blas(SNMF4J_FAKE, 0, memory); });
  }
  {
    Failing failing("create=3");
    throws(SNMF4J_OUT_OF_MEMORY, "CUBLAS_STATUS_ALLOC_FAILED",
           [&] { Blas(SNMF4J_FAKE, 0, memory); });
  }
  Memory little(1 << 20);
  throws(SNMF4J_OUT_OF_MEMORY, "limit of 1 MiB", [&] { Blas(SNMF4J_FAKE, 0, little); });
  throws(SNMF4J_OUT_OF_MEMORY, "works in 32 MiB", [&] { Blas(SNMF4J_FAKE, 0, little); });
  Blas blas(SNMF4J_FAKE, 0, memory);
  Stream stream;
  float one = 1, result = 0;
  const auto multiply = [&](int64_t ld) {
    blas.multiply(stream, Operation::kNone, Operation::kNone, 1, 1, 1, 1.0f, Element::kFloat32,
                  &one, ld, &one, 1, 0.0f, &result, 1, Arithmetic::kFloat32);
  };
  // Waits for the products that are made meanwhile, which read the environment.
  multiply(1);
  CHECK(result == 1);
  result = 0;
  {
    Failing failing("gemm=13");
    throws(SNMF4J_INTERNAL, "CUBLAS_STATUS_EXECUTION_FAILED (13)", [&] { multiply(1); });
  }
  throws(SNMF4J_INTERNAL, "too high", [&] { multiply(int64_t{1} << 31); });
  multiply(1);
  CHECK(result == 1);
  CHECK(blas.version() == 130100);
}

TEST_CASE("what is loaded ahead may fail, and need not be used") {
  Memory memory(kLimit);
  {
    Failing failing("dgemm=14");
    Blas blas(SNMF4J_FAKE, 0, memory);
    Stream stream;
    float one = 1, result = 0;
    blas.multiply(stream, Operation::kNone, Operation::kNone, 1, 1, 1, 1.0f, Element::kFloat32,
                  &one, 1, &one, 1, 0.0f, &result, 1, Arithmetic::kFloat32);
    CHECK(result == 1);
  }
  { Blas unused(SNMF4J_FAKE, 0, memory); }
  CHECK(memory.current() == 0);
}

TEST_CASE("operations on a context use it as it wants to be used") {
  setenv("SNMF4J_CUBLAS", SNMF4J_FAKE, 1);
  for (const int dense : {SNMF4J_DENSE_FP32, SNMF4J_DENSE_TF32, SNMF4J_DENSE_SPLIT}) {
    test::Options options;
    options.dense = dense;
    const test::Context context(options);
    CHECK(snmf4j_cuda_context_cublas_version(context) == 130100);
    for (const int type : {SNMF4J_FLOAT32, SNMF4J_FLOAT16, SNMF4J_BFLOAT16}) {
      const test::Matrix a = test::rounded(test::signed_matrix(30, 300, 1), type);
      const test::Matrix y = test::positive_matrix(70, 300, 2);
      const test::Panels stored(context, type, a), coefficients(context, SNMF4J_FLOAT32, y, true);
      const test::Statistics s(context, 30, 70);
      REQUIRE(snmf4j_dense_statistics(stored, coefficients, s) == SNMF4J_OK);
      const test::Matrix yt = test::transposed(y);
      CHECK(test::worst_error(test::times(a, yt), s.cross(),
                              test::times(test::magnitudes(a), yt)) <= 2e-5);
      const test::Features z(context, 30, 70);
      REQUIRE(snmf4j_ridge_solve(s, 1e-3, z) == SNMF4J_OK);
      test::Matrix system = s.gram();
      for (int j = 0; j < 70; j++) system(j, j) += 1e-3;
      test::Matrix scale = test::times(test::magnitudes(z.read()), test::magnitudes(system));
      CHECK(test::worst_error(s.cross(), test::times(z.read(), system), scale) <= 1e-5);
    }
  }
  unsetenv("SNMF4J_CUBLAS");
}
