// Devices and contexts.
#include <algorithm>
#include <cstdlib>

#include "handles.hpp"

using namespace snmf4j;

namespace {

// What is left of the free memory for the driver and for others.
constexpr int64_t kSpared = int64_t{256} << 20;

int64_t limit_of(const snmf4j_cuda_options& options) {
  const int64_t all = gpu::free_memory();
  const int64_t free = std::max<int64_t>(all - kSpared, all / 2);
  return options.memory_limit > 0 ? std::min(options.memory_limit, free) : free;
}

// Of a panel: so many tokens that two panels of so many neurons, between which data streams, take a
// quarter of the memory. Tests of several panels make it smaller still.
constexpr int64_t kUsualNeurons = 16384;
constexpr int64_t kPanelShare = 8;

int64_t widest_panel(int64_t room) {
  const int64_t bytes = kPanelShare * kUsualNeurons * static_cast<int64_t>(sizeof(float));
  const int64_t most = std::clamp(room / bytes / kTile * kTile, int64_t{kTile}, kMaxPanel);
  const char* chosen = std::getenv("SNMF4J_CUDA_PANEL");
  const int64_t width = chosen == nullptr ? most : std::atoll(chosen);
  return width < kTile || width > (int64_t{1} << 20) ? most : width / kTile * kTile;
}

// What a block's shared memory cannot hold goes other ways: tests meet them sooner with less of it.
snmf4j_device described(int device) {
  snmf4j_device facts = gpu::describe(device);
  const char* chosen = std::getenv("SNMF4J_CUDA_SHARED");
  if (chosen != nullptr) facts.shared_bytes = std::min(facts.shared_bytes, std::atoi(chosen));
  return facts;
}

}  // namespace

namespace snmf4j {

PanelShape panel_shape(int64_t rows, int64_t tokens, int64_t max_width) {
  PanelShape shape;
  shape.rows = rows;
  shape.tokens = tokens;
  shape.panels = (tokens + max_width - 1) / max_width;
  const int64_t tiles = shape.tiles();
  shape.width = (tiles + shape.panels - 1) / shape.panels * kTile;
  return shape;
}

int element_bytes(int type) { return type == SNMF4J_FLOAT32 ? 4 : type == SNMF4J_FLOAT64 ? 8 : 2; }

}  // namespace snmf4j

snmf4j_context::snmf4j_context(const snmf4j_cuda_options& options)
    : device(options.device),
      facts(described(options.device)),
      dense(options.dense),
      graphs(options.graphs != 0),
      threads(options.threads),
      memory(limit_of(options)),
      blas(options.cublas, options.device, memory),
      panel_width(widest_panel(memory.left())) {
  memory.settle();
}

snmf4j_context::~snmf4j_context() = default;

ThreadPool& snmf4j_context::pool() {
  if (pool_ == nullptr) pool_ = std::make_unique<ThreadPool>(threads);
  return *pool_;
}

int snmf4j_cuda_abi(void) { return SNMF4J_CUDA_ABI; }

int snmf4j_cuda_is_twin(void) {
#ifdef SNMF4J_TWIN
  return 1;
#else
  return 0;
#endif
}

const char* snmf4j_cuda_architectures(void) {
#ifdef SNMF4J_CUDA_ARCHITECTURES
  return SNMF4J_CUDA_ARCHITECTURES;
#else
  return "";
#endif
}

int snmf4j_cuda_runtime_version(void) { return gpu::runtime_version(); }

int snmf4j_cuda_driver_version(void) { return gpu::driver_version(); }

int snmf4j_cuda_devices(int* count) {
  return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, [&] {
    require(count != nullptr, "count must not be null");
    *count = gpu::device_count();
  });
}

int snmf4j_cuda_describe(int device, snmf4j_device* result) {
  return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, [&] {
    require(result != nullptr, "result must not be null");
    require(device >= 0, "device must not be negative");
    *result = gpu::describe(device);
  });
}

const char* snmf4j_last_message(void) { return last_message(); }

int snmf4j_cuda_context_create(const snmf4j_cuda_options* options, snmf4j_context** result) {
  return guarded(SNMF4J_OK, SNMF4J_OUT_OF_MEMORY, SNMF4J_INTERNAL, [&] {
    require(options != nullptr && result != nullptr, "options and result must not be null");
    require(options->device >= 0, "device must not be negative");
    require(options->dense >= SNMF4J_DENSE_FP32 && options->dense <= SNMF4J_DENSE_SPLIT,
            "dense must be one of SNMF4J_DENSE_*");
    require(options->threads >= 1, "threads must be at least 1");
    require(options->memory_limit >= 0, "memory_limit must not be negative");
    require(options->cublas != nullptr && options->cublas[0] != '\0',
            "cublas must be the path of the cuBLAS library");
    gpu::use_device(options->device);
    *result = new snmf4j_context(*options);
  });
}

int snmf4j_cuda_context_cublas_version(const snmf4j_context* context) {
  return context == nullptr ? 0 : context->blas.version();
}

int snmf4j_context_destroy(snmf4j_context* context) {
  if (context == nullptr) return SNMF4J_OK;
  return entry(context, [&] { delete context; });
}

int snmf4j_context_memory(const snmf4j_context* context, int64_t* use) {
  return entry(context, [&] {
    require(use != nullptr, "use must not be null");
    use[0] = context->memory.current();
    use[1] = context->memory.peak();
  });
}

int snmf4j_context_reset_peak(snmf4j_context* context) {
  return entry(context, [&] { context->memory.reset_peak(); });
}
