// Matrices with a token axis: packing in and out.
#include <cstring>
#include <memory>
#include <vector>

#include "handles.hpp"
#include "status.hpp"

using namespace snmf4j;

namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 48;

const PanelKernels& kernels_of(const Kernels& kernels, int type) {
  switch (type) {
    case SNMF4J_FLOAT32:
      return kernels.float32;
    case SNMF4J_FLOAT16:
      return kernels.float16;
    case SNMF4J_BFLOAT16:
      return kernels.bfloat16;
    default:
      throw Error(SNMF4J_INVALID_ARGUMENT,
                  "type must be SNMF4J_FLOAT32, SNMF4J_FLOAT16 or SNMF4J_BFLOAT16");
  }
}

std::size_t panels_size(int bytes, int64_t rows, int64_t tokens) {
  require(rows >= 1 && rows <= INT32_MAX, "rows must be between 1 and 2^31 - 1");
  require(tokens >= 1 && tokens <= kMaxTokens, "tokens must be between 1 and 2^48");
  const int64_t count = (tokens + kPanel - 1) / kPanel;
  if (rows > INT64_MAX / bytes / kPanel / count) throw std::bad_alloc();
  return static_cast<std::size_t>(count * rows * kPanel * bytes);
}

void require_type(int type) {
  require(type == SNMF4J_FLOAT32 || type == SNMF4J_FLOAT64,
          "type must be SNMF4J_FLOAT32 or SNMF4J_FLOAT64");
}

// Adds up what the workers found, in their order.
void finish(const std::vector<PackResult>& parts, double* squares) {
  double total = 0;
  for (const PackResult& part : parts) {
    if (!part.finite)
      throw Error(SNMF4J_NON_FINITE,
                  "an element is not finite, beyond the panels' type or beyond what float32 "
                  "arithmetic bears");
    total += part.squares;
  }
  if (squares != nullptr) *squares = total;
}

}  // namespace

snmf4j_panels::snmf4j_panels(snmf4j_context* owner, int element, int64_t height, int64_t width,
                             bool clear)
    : context(owner),
      type(element),
      kernels(kernels_of(owner->kernels, element)),
      rows(height),
      tokens(width),
      count((width + kPanel - 1) / kPanel),
      data(&owner->memory, panels_size(kernels.bytes, height, width)),
      base(data.data()),
      step(height * kPanel * kernels.bytes) {
  if (!clear) return;
  // In parallel, so that each worker touches its own pages first.
  owner->pool.ranges(count, [&](int, int64_t from, int64_t to) {
    std::memset(stored(from), 0, static_cast<std::size_t>((to - from) * step));
  });
}

snmf4j_panels::snmf4j_panels(const snmf4j_panels& origin, int64_t stride, int64_t size,
                             int64_t width)
    : context(origin.context),
      type(origin.type),
      kernels(origin.kernels),
      rows(origin.rows),
      tokens(width),
      count(size),
      base(origin.base),
      step(origin.step * stride) {}

int snmf4j_panels_create(snmf4j_context* context, int type, int64_t rows, int64_t tokens, int clear,
                         snmf4j_panels** result) {
  return entry([&] {
    require(context != nullptr && result != nullptr, "context and result must not be null");
    *result = new snmf4j_panels(context, type, rows, tokens, clear != 0);
  });
}

int snmf4j_panels_destroy(snmf4j_panels* panels) {
  return entry([&] { delete panels; });
}

int snmf4j_panels_sample(const snmf4j_panels* panels, int64_t stride, snmf4j_panels** result,
                         double* squares) {
  return entry([&] {
    require(panels != nullptr && result != nullptr, "panels and result must not be null");
    require(stride >= 1, "stride must be at least 1");
    const int64_t full = panels->tokens / kPanel;
    const int64_t count = full == 0 ? 1 : (full - 1) / stride + 1;
    const int64_t tokens = full == 0 ? panels->tokens : count * kPanel;
    // A stride beyond the last panel never leads anywhere, but must not overflow.
    const int64_t used = stride < panels->count ? stride : panels->count;
    std::unique_ptr<snmf4j_panels> view(new snmf4j_panels(*panels, used, count, tokens));
    if (squares != nullptr) {
      std::vector<double> parts(static_cast<std::size_t>(panels->context->pool.size()), 0);
      panels->context->pool.ranges(count, [&](int worker, int64_t from, int64_t to) {
        for (int64_t p = from; p < to; p++) {
          parts[static_cast<std::size_t>(worker)] +=
              view->kernels.squares(view->stored(p), view->rows * kPanel);
        }
      });
      *squares = 0;
      for (double part : parts) *squares += part;
    }
    *result = view.release();
  });
}

int64_t snmf4j_panels_tokens(const snmf4j_panels* panels) {
  return panels == nullptr ? 0 : panels->tokens;
}

int snmf4j_panels_write_rows(snmf4j_panels* panels, int type, const void* source, int64_t stride,
                             int64_t row, int64_t rows, double* squares) {
  return entry([&] {
    require(panels != nullptr && source != nullptr, "panels and source must not be null");
    require_type(type);
    require(row >= 0 && rows >= 1 && row <= panels->rows - rows, "rows must lie in the panels");
    require(stride >= panels->tokens, "stride must be at least the number of tokens");
    const PanelKernels& kernels = panels->kernels;
    std::vector<PackResult> parts(panels->context->pool.size(), PackResult{0, true});
    panels->context->pool.ranges(panels->count, [&](int worker, int64_t from, int64_t to) {
      const int64_t first = from * kPanel;
      const int64_t tokens = (to * kPanel < panels->tokens ? to * kPanel : panels->tokens) - first;
      void* target = static_cast<char*>(panels->stored(from)) + row * kPanel * kernels.bytes;
      parts[worker] = type == SNMF4J_FLOAT32
                          ? kernels.pack_rows32(static_cast<const float*>(source) + first, stride,
                                                rows, tokens, target, panels->rows)
                          : kernels.pack_rows64(static_cast<const double*>(source) + first, stride,
                                                rows, tokens, target, panels->rows);
    });
    finish(parts, squares);
  });
}

int snmf4j_panels_write_tokens(snmf4j_panels* panels, int type, const void* source, int64_t stride,
                               int64_t token, int64_t tokens, double* squares) {
  return entry([&] {
    require(panels != nullptr && source != nullptr, "panels and source must not be null");
    require_type(type);
    require(token >= 0 && tokens >= 1 && token <= panels->tokens - tokens,
            "tokens must lie in the panels");
    require(token % kPanel == 0 && (tokens % kPanel == 0 || token + tokens == panels->tokens),
            "tokens must fill whole panels");
    require(stride >= panels->rows, "stride must be at least the number of rows");
    const PanelKernels& kernels = panels->kernels;
    std::vector<PackResult> parts(panels->context->pool.size(), PackResult{0, true});
    const int64_t count = (tokens + kPanel - 1) / kPanel;
    panels->context->pool.ranges(count, [&](int worker, int64_t from, int64_t to) {
      for (int64_t p = from; p < to; p++) {
        const int64_t first = p * kPanel;
        const int64_t part = tokens - first < kPanel ? tokens - first : kPanel;
        void* target = panels->stored(token / kPanel + p);
        const PackResult found =
            type == SNMF4J_FLOAT32
                ? kernels.pack_tokens32(static_cast<const float*>(source) + first * stride, stride,
                                        panels->rows, part, target)
                : kernels.pack_tokens64(static_cast<const double*>(source) + first * stride, stride,
                                        panels->rows, part, target);
        parts[worker].squares += found.squares;
        parts[worker].finite = parts[worker].finite && found.finite;
      }
    });
    finish(parts, squares);
  });
}

int snmf4j_panels_read_rows(const snmf4j_panels* panels, float* target, int64_t stride, int64_t row,
                            int64_t rows) {
  return entry([&] {
    require(panels != nullptr && target != nullptr, "panels and target must not be null");
    require(row >= 0 && rows >= 1 && row <= panels->rows - rows, "rows must lie in the panels");
    require(stride >= panels->tokens, "stride must be at least the number of tokens");
    panels->context->pool.ranges(panels->count, [&](int, int64_t from, int64_t to) {
      alignas(64) float line[kPanel];
      for (int64_t p = from; p < to; p++) {
        const int64_t first = p * kPanel;
        const int64_t tokens = panels->tokens - first < kPanel ? panels->tokens - first : kPanel;
        const char* stored = static_cast<const char*>(panels->stored(p));
        for (int64_t i = 0; i < rows; i++) {
          panels->kernels.widen(stored + (row + i) * kPanel * panels->kernels.bytes, kPanel, line);
          std::memcpy(target + i * stride + first, line,
                      static_cast<std::size_t>(tokens) * sizeof(float));
        }
      }
    });
  });
}
