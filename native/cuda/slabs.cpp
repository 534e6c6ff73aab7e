#include "slabs.hpp"

#include <algorithm>

#include "panels.hpp"

namespace snmf4j {
namespace {

// Long enough that starting a copy and the kernels of a slab costs nothing beside them.
constexpr int64_t kMostBytes = int64_t{256} << 20;
// Of the memory.
constexpr int64_t kShare = 16;

int64_t panel_bytes(const snmf4j_panels& a) {
  return a.shape.panel_elements() * element_bytes(a.type);
}

}  // namespace

int64_t slab_panels(const snmf4j_panels& a) {
  if (!a.streams()) return a.shape.panels;
  const int64_t most = std::min(kMostBytes, a.context->memory.room() / kShare);
  return std::clamp<int64_t>(most / panel_bytes(a), 1, a.shape.panels);
}

void reserve_slabs(const snmf4j_panels& a) {
  snmf4j_context& context = *a.context;
  const auto bytes = static_cast<std::size_t>(slab_panels(a) * panel_bytes(a));
  for (gpu::Array<unsigned char>& slab : context.slabs) slab.reserve(&context.memory, bytes);
}

void for_each_slab(const snmf4j_panels& a, const std::function<void(const Slab&)>& visit) {
  renew(a);
  if (!a.streams()) {
    visit({a.on_device.data(), a.shape, 0});
    return;
  }
  snmf4j_context& context = *a.context;
  reserve_slabs(a);
  const int64_t each = slab_panels(a);
  const int64_t count = (a.shape.panels + each - 1) / each;
  const int64_t bytes = panel_bytes(a);
  gpu::Event copied[2], used[2];
  // Earlier work may still read the slabs, or write what is to be copied.
  for (gpu::Event& event : used) event.record(context.stream);
  const auto fetch = [&](int64_t s) {
    const int64_t panels = std::min(each, a.shape.panels - s * each);
    used[s % 2].hold(context.copying);
    context.copying.upload(context.slabs[s % 2].data(), a.on_host.data() + s * each * bytes,
                           static_cast<std::size_t>(panels * bytes));
    copied[s % 2].record(context.copying);
  };
  fetch(0);
  for (int64_t s = 0; s < count; s++) {
    if (s + 1 < count) fetch(s + 1);
    Slab slab{context.slabs[s % 2].data(), a.shape, s * each * (a.shape.width / kTile)};
    slab.shape.panels = std::min(each, a.shape.panels - s * each);
    slab.shape.tokens =
        std::min(slab.shape.panels * a.shape.width, a.shape.tokens - slab.first_tile * kTile);
    copied[s % 2].hold(context.stream);
    visit(slab);
    used[s % 2].record(context.stream);
  }
}

}  // namespace snmf4j
