// What the device can do: bytes read and float32 multiply-adds per second, and bytes per second on
// their way from the host. Prints one JSON object; measurements compare kernels with it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gpu.hpp"

using namespace snmf4j;
using namespace snmf4j::gpu;

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocksEach = 8;  // of a multiprocessor: as many threads as it holds
constexpr int kChains = 8;           // independent sums of a thread, enough to hide their latency
constexpr int kUnrolled = 16;

// Sums what it reads; the sum is written only if it is a number that it never is.
__global__ void read_all(const float4* data, int64_t n, float* sink) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  float sum = 0;
  for (; i + 3 * stride < n; i += 4 * stride) {
    const float4 a = data[i], b = data[i + stride], c = data[i + 2 * stride],
                 d = data[i + 3 * stride];
    sum += (a.x + a.y + a.z + a.w) + (b.x + b.y + b.z + b.w) + (c.x + c.y + c.z + c.w) +
           (d.x + d.y + d.z + d.w);
  }
  for (; i < n; i += stride) sum += data[i].x;
  if (sum == -1.0f) *sink = sum;
}

__global__ void multiply_add(int steps, float factor, float* sink) {
  float x[kChains];
  for (int c = 0; c < kChains; c++) x[c] = static_cast<float>(threadIdx.x + c);
  for (int s = 0; s < steps; s++) {
    for (int u = 0; u < kUnrolled; u++) {
      for (int c = 0; c < kChains; c++) x[c] = __fmaf_rn(x[c], factor, 0.5f);
    }
  }
  float sum = 0;
  for (int c = 0; c < kChains; c++) sum += x[c];
  if (sum == -1.0f) *sink = sum;
}

// The best of some runs, after one that is not counted.
template <typename Work>
double seconds(Stream& stream, int rounds, Work work) {
  double best = 0;
  for (int r = 0; r <= rounds; r++) {
    stream.finish();
    const auto begin = std::chrono::steady_clock::now();
    work();
    stream.finish();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    if (r == 1 || (r > 1 && taken.count() < best)) best = taken.count();
  }
  return best;
}

// The value of `--name VALUE` among the arguments.
int64_t option(int count, char** arguments, const char* name, int64_t otherwise) {
  for (int i = 1; i + 1 < count; i++) {
    if (std::strcmp(arguments[i], name) == 0) return std::atoll(arguments[i + 1]);
  }
  return otherwise;
}

std::string quoted(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || c < ' '; }, ' ');
  return '"' + text + '"';
}

void measure(int device, int64_t bytes, int steps, int rounds) {
  const snmf4j_device facts = describe(device);
  use_device(device);
  bytes = std::min(bytes, free_memory() / 2) / 4096 * 4096;
  Memory memory(free_memory());
  Stream stream;
  Array<float4> data(&memory, static_cast<std::size_t>(bytes) / sizeof(float4));
  Array<float> sink(&memory, 1);
  stream.clear(data.data(), data.bytes());
  const unsigned blocks = static_cast<unsigned>(facts.multiprocessors) * kBlocksEach;

  const double read = seconds(stream, rounds, [&] {
    launch(stream, {blocks, kThreads}, read_all, static_cast<const float4*>(data.data()),
           static_cast<int64_t>(data.size()), sink.data());
  });
  const double multiplied = seconds(stream, rounds, [&] {
    launch(stream, {blocks, kThreads}, multiply_add, steps, 0.999f, sink.data());
  });
  const auto part = static_cast<std::size_t>(std::min<int64_t>(bytes, int64_t{256} << 20));
  Pinned<unsigned char> host(part);
  std::memset(host.data(), 0, part);
  const double uploaded =
      seconds(stream, rounds, [&] { stream.upload(data.data(), host.data(), part); });

  const double flops = 2.0 * kChains * kUnrolled * steps * blocks * kThreads;
  std::printf(
      "{\"device\": %s, \"compute_capability\": \"%d.%d\", \"multiprocessors\": %d, "
      "\"memory_bytes\": %lld, \"read_bytes_per_second\": %.6g, \"fma_flops_per_second\": %.6g, "
      "\"upload_bytes_per_second\": %.6g}\n",
      quoted(facts.name).c_str(), facts.major, facts.minor, facts.multiprocessors,
      static_cast<long long>(facts.total_bytes), static_cast<double>(bytes) / read,
      flops / multiplied, static_cast<double>(part) / uploaded);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    measure(static_cast<int>(option(count, arguments, "--device", 0)),
            option(count, arguments, "--bytes", int64_t{2} << 30),
            static_cast<int>(option(count, arguments, "--steps", 4096)),
            static_cast<int>(std::max<int64_t>(1, option(count, arguments, "--rounds", 5))));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "peaks: %s\n", e.what());
    return 1;
  }
}
