// Requests for memory that is read soon.

// Asks for the lines of a fetch, one at a time and evenly over the steps of a kernel: the processor
// drops requests that find its queue full, and what was dropped is waited for later.
class Pace {
 public:
  Pace(const Fetch& fetch, int64_t steps)
      : row_(fetch.row),
        end_(fetch.row + fetch.count),
        panel_(fetch.panel),
        bytes_(fetch.row_bytes),
        rate_(steps > 0 ? (fetch.count * (fetch.row_bytes / kLine) << kBits) / steps + 1 : 0) {}

  void step() {
    due_ += rate_;
    for (; due_ >= kWhole && row_ < end_; due_ -= kWhole) {
      __builtin_prefetch(panel_ + static_cast<int64_t>(*row_) * bytes_ + at_, 0, 2);
      at_ += kLine;
      if (at_ == bytes_) {
        at_ = 0;
        row_++;
      }
    }
  }

 private:
  static constexpr int kLine = 64;
  static constexpr int kBits = 20;
  static constexpr int64_t kWhole = 1 << kBits;
  const int32_t* row_;
  const int32_t* const end_;
  const char* const panel_;
  const int bytes_;
  const int64_t rate_;
  int64_t due_ = 0;
  int at_ = 0;
};

// Rows lie apart in the panel, where the hardware fetches nothing ahead, and waiting loads fill the
// reorder buffer before they fill the memory's queue: so many bytes are asked for early, from the
// second cache or beyond into the first.
constexpr int kBytesAhead = 12288;

template <int kBytes>
static inline void look_ahead(const void* row) {
  for (int byte = 0; byte < kBytes; byte += 64) {
    __builtin_prefetch(static_cast<const char*>(row) + byte, 0, 3);
  }
}
