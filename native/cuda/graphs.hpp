// Work that is done again and again, recorded.
#ifndef SNMF4J_CUDA_GRAPHS_HPP
#define SNMF4J_CUDA_GRAPHS_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "gpu.hpp"

namespace snmf4j {

// Recordings of the last few kinds of work. Work is recorded when it comes for the second time: the
// first time has made all memory that it needs, which no recording can.
class Graphs {
 public:
  // All that the work depends on, such as addresses and shapes.
  using Key = std::vector<uint64_t>;

  // Does what `body` puts into the stream, from the recording if there is one.
  template <typename Body>
  void run(gpu::Stream& stream, const Key& key, Body body) {
    const auto known = std::find_if(recordings_.begin(), recordings_.end(),
                                    [&](const auto& recording) { return recording->key == key; });
    if (known == recordings_.end()) {
      body();
      if (recordings_.size() == kMost) recordings_.pop_back();
      recordings_.insert(recordings_.begin(), std::make_unique<Recording>(key));
      return;
    }
    std::rotate(recordings_.begin(), known, known + 1);
    gpu::Graph& graph = recordings_.front()->graph;
    if (graph.recorded()) {
      graph.run(stream);
    } else {
      graph.record(stream, body);
    }
  }

 private:
  static constexpr std::size_t kMost = 8;

  struct Recording {
    explicit Recording(const Key& of) : key(of) {}
    const Key key;
    gpu::Graph graph;
  };
  std::vector<std::unique_ptr<Recording>> recordings_;  // the last used first
};

}  // namespace snmf4j

#endif
