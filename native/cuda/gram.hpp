// G = YY' and the sums of Y's rows.
#ifndef SNMF4J_CUDA_GRAM_HPP
#define SNMF4J_CUDA_GRAM_HPP

#include "handles.hpp"

namespace snmf4j {

// Puts G and the row sums of Y, which is on the device, into `statistics`, rounded to float32. Puts
// its work into the stream and uses the context's room 2.
void gram_and_row_sums(snmf4j_context& context, gpu::Stream& stream, const snmf4j_panels& y,
                       snmf4j_statistics& statistics);

}  // namespace snmf4j

#endif
