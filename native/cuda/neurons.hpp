// Z neuron after neuron, on the device, from and to its columns.
#ifndef SNMF4J_CUDA_NEURONS_HPP
#define SNMF4J_CUDA_NEURONS_HPP

#include "handles.hpp"

namespace snmf4j {

// Sets neurons [neuron, neuron + neurons) from [neurons][rank] of float or double. What is not finite
// as float32 is left out, and *failed, on the device, becomes 1.
template <typename T>
void put_neurons(snmf4j_features& z, const T* source, int64_t neuron, int64_t neurons, int* failed);

template <typename T>
void take_neurons(const snmf4j_features& z, int64_t neuron, int64_t neurons, T* target);

}  // namespace snmf4j

#endif
