// Matrices with a token axis: memory for them, and the ways in and out.
#include "panels.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "slabs.hpp"

using namespace snmf4j;

namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 48;
// Left free beside activations: coefficients of so many rows, thrice, and a share for workspaces,
// but never more than a quarter of all.
constexpr int64_t kUsualRank = 512;
constexpr int64_t kWorkspaceShare = 16;
// Bytes that are moved at a time: at most, and as a share of the memory.
constexpr int64_t kMostMoved = int64_t{16} << 20;
constexpr int64_t kLeastMoved = int64_t{64} << 10;
constexpr int64_t kMovedShare = 64;
// Of so many bytes on, threads share the copying.
constexpr int64_t kShared = int64_t{1} << 20;

PanelShape checked_shape(const snmf4j_context& context, int type, int64_t rows, int64_t tokens) {
  require(type == SNMF4J_FLOAT32 || type == SNMF4J_FLOAT16 || type == SNMF4J_BFLOAT16,
          "type must be SNMF4J_FLOAT32, SNMF4J_FLOAT16 or SNMF4J_BFLOAT16");
  require(rows >= 1 && rows <= INT32_MAX, "rows must be between 1 and 2^31 - 1");
  require(tokens >= 1 && tokens <= kMaxTokens, "tokens must be between 1 and 2^48");
  const PanelShape shape = panel_shape(rows, tokens, context.panel_width);
  if (rows > INT64_MAX / element_bytes(type) / shape.width / shape.panels) throw_bad_alloc();
  return shape;
}

bool fits(const snmf4j_context& context, int64_t bytes, int64_t tokens) {
  const int64_t room = context.memory.room();
  const int64_t coefficients =
      std::min(tokens, room) * 3 * kUsualRank * static_cast<int64_t>(sizeof(float));
  const int64_t computing = std::min(coefficients + room / kWorkspaceShare, room / 4);
  return bytes <= context.memory.left() - computing;
}

void require_type(int type) {
  require(type == SNMF4J_FLOAT32 || type == SNMF4J_FLOAT64,
          "type must be SNMF4J_FLOAT32 or SNMF4J_FLOAT64");
}

int64_t moved_bytes(const snmf4j_context& context) {
  return std::clamp(context.memory.room() / kMovedShare, kLeastMoved, kMostMoved);
}

// Cuts a part of a matrix into pieces of at most `elements`, which begin at whole tiles.
class Pieces {
 public:
  // `by_token` says that a piece should have whole tokens rather than whole rows.
  Pieces(const Piece& all, int64_t elements, bool by_token) : all_(all) {
    if (by_token) {
      rows_ = std::min(all.rows, elements / kTile / kTile * kTile);
      tokens_ = std::min(all.tokens, std::max<int64_t>(elements / rows_ / kTile, 1) * kTile);
    } else {
      tokens_ = std::min(all.tokens, elements / kTile * kTile);
      rows_ = std::min(all.rows, std::max<int64_t>(elements / tokens_, 1));
    }
    across_ = (all.rows + rows_ - 1) / rows_;
    count_ = across_ * ((all.tokens + tokens_ - 1) / tokens_);
  }

  int64_t count() const { return count_; }

  // Within the part, that is.
  Piece operator[](int64_t i) const {
    const int64_t row = i % across_ * rows_;
    const int64_t token = i / across_ * tokens_;
    return {row, std::min(rows_, all_.rows - row), token, std::min(tokens_, all_.tokens - token)};
  }

  Piece placed(Piece piece) const {
    piece.row += all_.row;
    piece.token += all_.token;
    return piece;
  }

 private:
  const Piece all_;
  int64_t rows_, tokens_, across_, count_;
};

// Two halves of pinned memory that pieces pass through in turn, and room on the device.
class Staging {
 public:
  Staging(snmf4j_context& context, int64_t bytes) : stream_(context.stream) {
    const auto half = static_cast<std::size_t>(bytes);
    context.host_room.reserve(2 * half);
    halves_[0] = context.host_room.data();
    halves_[1] = context.host_room.data() + half;
    // At once for most pieces that may come, so that what a context holds does not depend on them.
    on_device_ = context.room<unsigned char>(
        0, std::max(half, static_cast<std::size_t>(moved_bytes(context))));
    // Whatever uses the memory now has to be done first.
    for (gpu::Event& event : done_) event.record(stream_);
  }

  // The next half, when nobody reads or writes it any more.
  unsigned char* next() {
    turn_ = 1 - turn_;
    done_[turn_].finish();
    return halves_[turn_];
  }
  // The half that was given out last, or before that, when what was put there has arrived.
  const unsigned char* arrived(bool last) {
    const int turn = last ? turn_ : 1 - turn_;
    done_[turn].finish();
    return halves_[turn];
  }
  unsigned char* on_device() { return on_device_; }
  // Of the half that next() gave.
  void upload(int64_t bytes) {
    stream_.upload(on_device_, halves_[turn_], static_cast<std::size_t>(bytes));
    done_[turn_].record(stream_);
  }
  void download(int64_t bytes) {
    stream_.download(halves_[turn_], on_device_, static_cast<std::size_t>(bytes));
    done_[turn_].record(stream_);
  }

 private:
  gpu::Stream& stream_;
  unsigned char* halves_[2];
  unsigned char* on_device_;
  gpu::Event done_[2];
  int turn_ = 1;
};

// Copies `count` lines of `bytes` from lines `from_pitch` apart to ones `to_pitch` apart. A thread
// copies a sixth of what an H200 takes, so that many share what is worth it.
void copy_lines(snmf4j_context& context, void* to, int64_t to_pitch, const void* from,
                int64_t from_pitch, int64_t bytes, int64_t count) {
  const auto copy = [&](int, int64_t first, int64_t last) {
    // The parts of threads are cut anywhere, also within lines.
    while (first < last) {
      const int64_t line = first / bytes;
      const int64_t at = first % bytes;
      const int64_t size = std::min(bytes - at, last - first);
      std::memcpy(static_cast<char*>(to) + line * to_pitch + at,
                  static_cast<const char*>(from) + line * from_pitch + at,
                  static_cast<std::size_t>(size));
      first += size;
    }
  };
  const int64_t all = bytes * count;
  if (all < kShared || context.threads == 1) {
    copy(0, 0, all);
  } else {
    context.pool().ranges(all, copy);
  }
}

void write(snmf4j_panels& panels, int type, const void* source, int64_t stride, const Piece& all,
           bool by_token, double* squares) {
  require(panels.origin == nullptr, "a sample cannot be written to");
  snmf4j_context& context = *panels.context;
  const int64_t size = element_bytes(type);
  const Pieces pieces(all, moved_bytes(context) / size, by_token);
  const Piece largest = pieces[0];
  Staging staging(context, largest.rows * largest.tokens * size);
  Findings findings{context.room<double>(1, 2 * Findings::kBlocks), nullptr};
  findings.wrong = reinterpret_cast<int*>(findings.squares + Findings::kBlocks);
  context.stream.clear(findings.squares, 2 * Findings::kBlocks * sizeof(double));
  panels.version++;
  for (int64_t i = 0; i < pieces.count(); i++) {
    const Piece piece = pieces[i];
    unsigned char* half = staging.next();
    const int64_t lines = by_token ? piece.tokens : piece.rows;
    const int64_t bytes = (by_token ? piece.rows : piece.tokens) * size;
    const int64_t first = by_token ? piece.token * stride + piece.row
                                   : piece.row * stride + piece.token;
    copy_lines(context, half, bytes, static_cast<const char*>(source) + first * size,
               stride * size, bytes, lines);
    staging.upload(lines * bytes);
    if (by_token) {
      pack_tokens(panels, type, staging.on_device(), pieces.placed(piece), findings);
    } else {
      pack_rows(panels, type, staging.on_device(), pieces.placed(piece), findings);
    }
  }
  std::vector<double> found(2 * Findings::kBlocks);
  context.stream.download(found.data(), findings.squares, found.size() * sizeof(double));
  context.stream.finish();
  std::vector<int> wrong(Findings::kBlocks);
  std::memcpy(wrong.data(), found.data() + Findings::kBlocks, wrong.size() * sizeof(int));
  if (std::find_if(wrong.begin(), wrong.end(), [](int w) { return w != 0; }) != wrong.end()) {
    throw Error(SNMF4J_NON_FINITE,
                "an element is not finite, beyond the panels' type or beyond what float32 "
                "arithmetic bears");
  }
  if (squares == nullptr) return;
  *squares = 0;
  for (unsigned b = 0; b < Findings::kBlocks; b++) *squares += found[b];
}

// Unpacks a piece while the last one is being copied to where the caller wants it.
void read(const snmf4j_panels& panels, float* target, int64_t stride, const Piece& all) {
  renew(panels);
  snmf4j_context& context = *panels.context;
  constexpr int64_t kSize = sizeof(float);
  const Pieces pieces(all, moved_bytes(context) / kSize, false);
  const Piece largest = pieces[0];
  Staging staging(context, largest.rows * largest.tokens * kSize);
  for (int64_t i = 0; i <= pieces.count(); i++) {
    if (i < pieces.count()) {
      const Piece piece = pieces[i];
      staging.next();
      unpack_rows(panels, pieces.placed(piece), reinterpret_cast<float*>(staging.on_device()));
      staging.download(piece.rows * piece.tokens * kSize);
    }
    if (i > 0) {
      const Piece piece = pieces[i - 1];
      const int64_t bytes = piece.tokens * kSize;
      copy_lines(context, target + piece.row * stride + piece.token, stride * kSize,
                 staging.arrived(i == pieces.count()), bytes, bytes, piece.rows);
    }
  }
}

}  // namespace

snmf4j_panels::snmf4j_panels(snmf4j_context* owner, int element, int64_t rows, int64_t tokens,
                             bool may_stream)
    : context(owner), type(element), shape(checked_shape(*owner, element, rows, tokens)) {
  const auto size = static_cast<std::size_t>(bytes());
  if (!may_stream || fits(*owner, bytes(), tokens)) {
    try {
      on_device = gpu::Array<unsigned char>(&owner->memory, size);
    } catch (const Error& e) {
      // Others may have taken memory that the limit does not know of.
      if (!may_stream || e.status() != SNMF4J_OUT_OF_MEMORY) throw;
    }
  }
  if (streams()) {
    reserve_slabs(*this);
    on_host = gpu::Pinned<unsigned char>(size);
  }
  // Of all that is written only tokens are, never the padding.
  const std::size_t padded = size / static_cast<std::size_t>(shape.panels);
  if (streams()) {
    std::memset(on_host.data() + size - padded, 0, padded);
  } else {
    owner->stream.clear(on_device.data() + size - padded, padded);
  }
}

snmf4j_panels::~snmf4j_panels() = default;

namespace snmf4j {

void* seen(snmf4j_panels& panels) {
  return panels.streams() ? panels.on_host.data() : panels.on_device.data();
}

const void* seen(const snmf4j_panels& panels) {
  return panels.streams() ? panels.on_host.data() : panels.on_device.data();
}

void renew(const snmf4j_panels& panels) {
  if (panels.origin == nullptr) return;
  renew(*panels.origin);
  if (panels.version == panels.origin->version) return;
  // Read-only to callers, not to us.
  auto& sample = const_cast<snmf4j_panels&>(panels);
  copy_tiles(*panels.origin, panels.stride, sample);
  sample.version = panels.origin->version;
}

}  // namespace snmf4j

int snmf4j_panels_create(snmf4j_context* context, int type, int64_t rows, int64_t tokens, int clear,
                         snmf4j_panels** result) {
  return entry(context, [&] {
    require(result != nullptr, "context and result must not be null");
    // Coefficients begin as zeros and have to be on the device; activations do neither.
    const bool zeros = clear != 0;
    auto panels = std::make_unique<snmf4j_panels>(context, type, rows, tokens, !zeros);
    if (zeros) context->stream.clear(panels->on_device.data(), panels->on_device.bytes());
    *result = panels.release();
  });
}

int snmf4j_panels_destroy(snmf4j_panels* panels) {
  if (panels == nullptr) return SNMF4J_OK;
  return entry(panels->context, [&] { delete panels; });
}

int snmf4j_panels_sample(const snmf4j_panels* panels, int64_t stride, snmf4j_panels** result,
                         double* squares) {
  return entry(panels == nullptr ? nullptr : panels->context, [&] {
    require(result != nullptr, "panels and result must not be null");
    require(stride >= 1, "stride must be at least 1");
    const PanelShape& shape = panels->shape;
    const int64_t full = shape.tokens / kTile;
    const int64_t count = full == 0 ? 1 : (full - 1) / stride + 1;
    const int64_t tokens = full == 0 ? shape.tokens : count * kTile;
    auto sample =
        std::make_unique<snmf4j_panels>(panels->context, panels->type, shape.rows, tokens, true);
    sample->origin = panels;
    // A stride beyond the last tile never leads anywhere, but must not overflow.
    sample->stride = std::min(stride, shape.tiles());
    sample->version = -1;
    renew(*sample);
    if (squares != nullptr) *squares = sum_squares(*sample);
    *result = sample.release();
  });
}

int64_t snmf4j_panels_tokens(const snmf4j_panels* panels) {
  return panels == nullptr ? 0 : panels->shape.tokens;
}

int snmf4j_panels_write_rows(snmf4j_panels* panels, int type, const void* source, int64_t stride,
                             int64_t row, int64_t rows, double* squares) {
  return entry(panels == nullptr ? nullptr : panels->context, [&] {
    require(source != nullptr, "panels and source must not be null");
    require_type(type);
    const PanelShape& shape = panels->shape;
    require(row >= 0 && rows >= 1 && row <= shape.rows - rows, "rows must lie in the panels");
    require(stride >= shape.tokens, "stride must be at least the number of tokens");
    write(*panels, type, source, stride, {row, rows, 0, shape.tokens}, false, squares);
  });
}

int snmf4j_panels_write_tokens(snmf4j_panels* panels, int type, const void* source, int64_t stride,
                               int64_t token, int64_t tokens, double* squares) {
  return entry(panels == nullptr ? nullptr : panels->context, [&] {
    require(source != nullptr, "panels and source must not be null");
    require_type(type);
    const PanelShape& shape = panels->shape;
    require(token >= 0 && tokens >= 1 && token <= shape.tokens - tokens,
            "tokens must lie in the panels");
    require(token % kTile == 0 && (tokens % kTile == 0 || token + tokens == shape.tokens),
            "tokens must fill whole panels");
    require(stride >= shape.rows, "stride must be at least the number of rows");
    write(*panels, type, source, stride, {0, shape.rows, token, tokens}, true, squares);
  });
}

int snmf4j_panels_read_rows(const snmf4j_panels* panels, float* target, int64_t stride, int64_t row,
                            int64_t rows) {
  return entry(panels == nullptr ? nullptr : panels->context, [&] {
    require(target != nullptr, "panels and target must not be null");
    const PanelShape& shape = panels->shape;
    require(row >= 0 && rows >= 1 && row <= shape.rows - rows, "rows must lie in the panels");
    require(stride >= shape.tokens, "stride must be at least the number of tokens");
    read(*panels, target, stride, {row, rows, 0, shape.tokens});
  });
}
