// The kernels for CPUs with AVX2 and FMA.
#include <immintrin.h>

#include "kernels.hpp"

#define SNMF4J_LANES 8
// Rows of a tile of C: as many as leave the registers room for one row of Y.
#define SNMF4J_TILE_ROWS 6
// Rows of Y whose gradients are held in registers together.
#define SNMF4J_BLOCK_ROWS 2

namespace snmf4j {
namespace {
// In this order: the later ones use the first.
// clang-format off
#include "kernels_simd.hpp"
#include "kernels_stored.hpp"
#include "kernels_fetch.hpp"
#include "kernels_update.hpp"
#include "kernels_residual.hpp"
#include "kernels_dense.hpp"
#include "kernels_pack.hpp"
#include "kernels_panel.hpp"
// clang-format on
}  // namespace

const Kernels kAvx2Kernels = {
    "avx2",
#include "kernels_table.hpp"
};

}  // namespace snmf4j
