// The host twin itself: barriers, exchanges within a warp, shared memory, limits.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gpu.hpp"

using namespace snmf4j;
using namespace snmf4j::gpu;

namespace {

void sum_blocks(const float* x, int n, float* sums) {
  SNMF4J_SHARED(float, room);
  const unsigned t = threadIdx.x;
  float sum = 0;
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + t); i < n;
       i += static_cast<int>(gridDim.x * blockDim.x)) {
    sum += x[i];
  }
  for (int d = kWarp / 2; d > 0; d /= 2) sum += __shfl_xor_sync(kAllLanes, sum, d);
  if (t % kWarp == 0) room[t / kWarp] = sum;
  __syncthreads();
  if (t != 0) return;
  float total = 0;
  for (unsigned w = 0; w < blockDim.x / kWarp; w++) total += room[w];
  sums[blockIdx.x] = total;
}

// Every thread reads what its neighbour left, with a barrier between or without.
void rotate(int* result, bool barrier) {
  SNMF4J_SHARED(int, room);
  room[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (barrier) __syncthreads();
  result[threadIdx.x] = room[(threadIdx.x + 1) % blockDim.x];
}

void vote(unsigned* result) {
  const int odd = threadIdx.x % 2;
  result[threadIdx.x] = __ballot_sync(kAllLanes, odd);
  result[blockDim.x + threadIdx.x] = static_cast<unsigned>(__syncthreads_count(odd));
}

// Threads end after so many exchanges; the last ones meet the block before.
void end_in_turn(int* result) {
  const int rounds = static_cast<int>(threadIdx.x % 5);
  int sum = 0;
  for (int i = 0; i < rounds; i++) {
    sum += __shfl_sync(kAllLanes, rounds, static_cast<int>(threadIdx.x) / 5 * 5 + 4);
  }
  if (rounds == 4) __syncthreads();
  result[threadIdx.x] = sum;
}

void wait_apart(int* result) {
  if (threadIdx.x < 7) {
    __syncthreads();
  } else {
    __syncwarp();
  }
  *result = 1;
}

}  // namespace

TEST_CASE("blocks, warps and shared memory work together") {
  Memory memory(1 << 20);
  Stream stream;
  const std::vector<float> ones(1000, 1);
  Array<float> x(&memory, ones.size()), sums(&memory, 2);
  stream.upload(x.data(), ones.data(), x.bytes());
  launch(stream, {2, 128, 4 * sizeof(float)}, sum_blocks, static_cast<const float*>(x.data()),
         1000, sums.data());
  std::vector<float> result(2);
  stream.download(result.data(), sums.data(), sums.bytes());
  stream.finish();
  CHECK(result == std::vector<float>{512, 488});
}

TEST_CASE("a barrier makes what others left visible, and its lack is seen") {
  Memory memory(1 << 20);
  Stream stream;
  Array<int> result(&memory, 64);
  launch(stream, {1, 64, 64 * sizeof(int)}, rotate, result.data(), true);
  for (int t = 0; t < 64; t++) CHECK(result.data()[t] == (t + 1) % 64);
  launch(stream, {1, 64, 64 * sizeof(int)}, rotate, result.data(), false);
  int wrong = 0;
  for (int t = 0; t < 64; t++) wrong += result.data()[t] != (t + 1) % 64;
  CHECK(wrong > 0);
}

TEST_CASE("threads vote") {
  Memory memory(1 << 20);
  Stream stream;
  Array<unsigned> result(&memory, 80);
  // The second warp has eight lanes.
  launch(stream, {1, 40}, vote, result.data());
  for (unsigned t = 0; t < 32; t++) CHECK(result.data()[t] == 0xaaaaaaaau);
  for (unsigned t = 32; t < 40; t++) CHECK(result.data()[t] == 0xaau);
  for (unsigned t = 40; t < 80; t++) CHECK(result.data()[t] == 20);
}

TEST_CASE("threads that have ended are not waited for") {
  Memory memory(1 << 20);
  Stream stream;
  Array<int> result(&memory, 30);
  const char* given = std::getenv("SNMF4J_TWIN_ORDER");
  const std::string before = given == nullptr ? "forward" : given;
  for (const char* order : {"forward", "reverse", "7", "8"}) {
    CAPTURE(order);
    setenv("SNMF4J_TWIN_ORDER", order, 1);
    launch(stream, {1, 30}, end_in_turn, result.data());
    for (int t = 0; t < 30; t++) CHECK(result.data()[t] == t % 5 * 4);
  }
  setenv("SNMF4J_TWIN_ORDER", before.c_str(), 1);
}

TEST_CASE("threads that can never meet are an error") {
  Memory memory(1 << 20);
  Stream stream;
  Array<int> result(&memory, 1);
  CHECK_THROWS_AS(launch(stream, {1, 64}, wait_apart, result.data()), Error);
  // And the next launch works.
  Array<int> turned(&memory, 64);
  launch(stream, {1, 64, 64 * sizeof(int)}, rotate, turned.data(), true);
  CHECK(turned.data()[63] == 0);
}

TEST_CASE("the limit of memory is kept and named") {
  Memory memory(1 << 20);
  Array<float> some(&memory, 1000);
  CHECK(memory.current() == 4000);
  try {
    Array<float> more(&memory, std::size_t{1} << 20);
    FAIL("more than the limit was given");
  } catch (const Error& e) {
    CHECK(e.status() == SNMF4J_OUT_OF_MEMORY);
    CHECK(std::string(e.what()).find("limit of 1 MiB") != std::string::npos);
  }
  some = Array<float>();
  CHECK(memory.current() == 0);
  CHECK(memory.peak() == 4000);
}
