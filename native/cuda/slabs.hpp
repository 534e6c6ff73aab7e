// Activations on the device, some panels at a time if they do not fit there as a whole.
#ifndef SNMF4J_CUDA_SLABS_HPP
#define SNMF4J_CUDA_SLABS_HPP

#include <functional>

#include "handles.hpp"

namespace snmf4j {

// Neighbouring panels of A on the device.
struct Slab {
  const void* data;    // of a's element type
  PanelShape shape;    // a's rows and width, and the tokens of these panels alone
  int64_t first_tile;  // of them, among all of a's tiles
};

// Calls `visit` for all panels of A, in their order: once if they are on the device, otherwise slab
// after slab, while the next one is being copied. What `visit` does it puts into the context's
// stream. A sample whose origin has changed is copied again first.
void for_each_slab(const snmf4j_panels& a, const std::function<void(const Slab&)>& visit);

// Most panels of a slab: all of them if they are on the device.
int64_t slab_panels(const snmf4j_panels& a);

// Makes room for the slabs of panels that stream.
void reserve_slabs(const snmf4j_panels& a);

}  // namespace snmf4j

#endif
