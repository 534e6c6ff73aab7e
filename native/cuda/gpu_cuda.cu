// The device through the CUDA runtime.
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "gpu.hpp"

namespace snmf4j::gpu {
namespace {

// Throws what a call of the runtime left behind. The error is taken out of the runtime, which
// would report it again otherwise.
void check(cudaError_t status, const char* action) {
  if (status == cudaSuccess) return;
  cudaGetLastError();
  const int code = status == cudaErrorMemoryAllocation ? SNMF4J_OUT_OF_MEMORY
                   : status == cudaErrorInsufficientDriver || status == cudaErrorNoDevice ||
                           status == cudaErrorInvalidDevice ||
                           status == cudaErrorNoKernelImageForDevice ||
                           status == cudaErrorUnsupportedPtxVersion
                       ? SNMF4J_UNAVAILABLE
                       : SNMF4J_INTERNAL;
  throw Error(code, std::string("CUDA cannot ") + action + ": " + cudaGetErrorString(status) +
                        " (" + cudaGetErrorName(status) + ")");
}

cudaStream_t native(const Stream& stream) { return static_cast<cudaStream_t>(stream.handle()); }

void* allocated(cudaError_t status, void* memory, std::size_t bytes, const char* kind) {
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw Error(SNMF4J_OUT_OF_MEMORY, std::to_string(bytes >> 20) + " MiB of " + kind +
                                          " memory are not to be had; of the device's " +
                                          std::to_string(total >> 20) + " MiB " +
                                          std::to_string(free >> 20) + " MiB are free");
  }
  check(status, "allocate memory");
  return memory;
}

}  // namespace

int runtime_version() { return CUDART_VERSION; }

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorNoDevice) {
    cudaGetLastError();
    return 0;
  }
  check(status, "find devices");
  return count;
}

snmf4j_device describe(int device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "describe the device");
  snmf4j_device result{};
  std::strncpy(result.name, properties.name, sizeof result.name - 1);
  result.major = properties.major;
  result.minor = properties.minor;
  result.multiprocessors = properties.multiProcessorCount;
  result.shared_bytes = static_cast<int>(properties.sharedMemPerBlockOptin);
  result.total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  return result;
}

int64_t free_memory() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "measure the device's memory");
  return static_cast<int64_t>(free);
}

void use_device(int device) { check(cudaSetDevice(device), "use the device"); }

void reset_device(int device) noexcept {
  cudaSetDevice(device);
  cudaDeviceReset();
  cudaGetLastError();
}

void* allocate_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes);
  return allocated(status, memory, bytes, "device");
}

void free_device(void* memory) noexcept {
  cudaFree(memory);
  cudaGetLastError();
}

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocHost(&memory, bytes);
  return allocated(status, memory, bytes, "pinned");
}

void free_pinned(void* memory) noexcept {
  cudaFreeHost(memory);
  cudaGetLastError();
}

Stream::Stream(bool urgent) : handle_(nullptr) {
  int least = 0, greatest = 0;
  check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "find the streams' priorities");
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, urgent ? greatest : least),
        "create a stream");
  handle_ = stream;
}

Stream::~Stream() {
  cudaStreamDestroy(native(*this));
  cudaGetLastError();
}

void Stream::upload(void* device, const void* host, std::size_t bytes) {
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, native(*this)), "upload");
}

void Stream::download(void* host, const void* device, std::size_t bytes) {
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, native(*this)), "download");
}

void Stream::copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, native(*this)), "copy");
}

void Stream::copy_rows(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                       std::size_t bytes, std::size_t rows) {
  check(cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, bytes, rows, cudaMemcpyDefault,
                          native(*this)),
        "copy rows");
}

void Stream::clear(void* device, std::size_t bytes) {
  check(cudaMemsetAsync(device, 0, bytes, native(*this)), "clear memory");
}

void Stream::finish() { check(cudaStreamSynchronize(native(*this)), "finish its work"); }

Event::Event() : handle_(nullptr) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "create an event");
  handle_ = event;
}

Event::~Event() {
  cudaEventDestroy(static_cast<cudaEvent_t>(handle_));
  cudaGetLastError();
}

void Event::record(Stream& stream) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(handle_), native(stream)), "record an event");
}

void Event::hold(Stream& stream) {
  check(cudaStreamWaitEvent(native(stream), static_cast<cudaEvent_t>(handle_), 0),
        "wait for an event");
}

void Event::finish() {
  check(cudaEventSynchronize(static_cast<cudaEvent_t>(handle_)), "finish its work");
}

Graph::~Graph() {
  if (handle_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(handle_));
  cudaGetLastError();
}

void Graph::begin(Stream& stream) {
  // Other threads may allocate meanwhile.
  check(cudaStreamBeginCapture(native(stream), cudaStreamCaptureModeThreadLocal),
        "record a graph");
}

void Graph::end(Stream& stream) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(native(stream), &graph), "record a graph");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "prepare a graph");
  if (handle_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(handle_));
  handle_ = executable;
  run(stream);
}

void Graph::abandon(Stream& stream) noexcept {
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(native(stream), &graph) == cudaSuccess && graph != nullptr) {
    cudaGraphDestroy(graph);
  }
  cudaGetLastError();
}

void Graph::run(Stream& stream) {
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(handle_), native(stream)), "run a graph");
}

void allow_shared(const void* kernel) {
  // All that the device gives, once: a setting for these bytes could be lowered by another thread
  // before the launch. More than that is refused when the kernel starts.
  static std::mutex mutex;
  // Never destroyed: a thread may be in the middle of a launch when the process ends.
  static auto& allowed = *new std::set<std::pair<int, const void*>>();
  int device = 0;
  check(cudaGetDevice(&device), "find the device");
  const std::lock_guard<std::mutex> alone(mutex);
  if (allowed.count({device, kernel}) > 0) return;
  int most = 0;
  cudaFuncAttributes facts{};
  check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "find the device's shared memory");
  check(cudaFuncGetAttributes(&facts, kernel), "find a kernel's shared memory");
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             most - static_cast<int>(facts.sharedSizeBytes)),
        "give a kernel so much shared memory");
  allowed.insert({device, kernel});
}

void check_launch() { check(cudaGetLastError(), "start a kernel"); }

}  // namespace snmf4j::gpu
