// A pass that reads A once: P, the update of Y and C on the support from one tile in shared memory.
#ifndef SNMF4J_CUDA_FUSED_HPP
#define SNMF4J_CUDA_FUSED_HPP

#include "projection.hpp"
#include "support.hpp"
#include "update.hpp"

namespace snmf4j {

// Tokens of a tile.
constexpr int kMostFused = 32;
constexpr int kLeastFused = 16;

// Tokens of a tile whose rows, coefficients and room for the update fit a block of the device, or 0
// if none does. `rows` are those of A that Z uses: not those of a wider support, nor does it matter
// what a refresh asks for, because neither may change Y.
int fused_tile(const snmf4j_device& facts, int type, int rule, int rank, int64_t rows);
// Whether C on a support of so many nonzeros and so many rows, which Z's are among, is computed in
// the same tiles: there is room for its rows, too, and for the sums of each block.
bool fused_support(const snmf4j_device& facts, int type, int rule, int rank, int tile, int64_t rows,
                   int64_t nonzeros);
int64_t fused_blocks(const snmf4j_device& facts, int tile, int64_t tokens);

// Passed to kernels.
struct FusedPlan {
  int rank;
  int tile;        // tokens
  int rows;        // of A
  int64_t blocks;  // each with sums of its own
  const int32_t* neurons;  // [rows]
  const int64_t* start;    // of Z's columns, [k + 1]
  ChunkEntry* entries;     // Z's, column by column: where the row lies in shared memory
  SupportEntry* support;   // the support's, with the row's number for the neuron
};

// A plan, its arrays from the carver; `used` are the rows of Z or of the wider support whose sums
// the fused pass keeps, of so many nonzeros or none.
FusedPlan fused_plan(const snmf4j_device& facts, int tile, int64_t tokens,
                     const SparseColumns& columns, const UsedRows& used, int64_t support,
                     Carver& carver);
// Sets what the plan points at, once the support's has been set, which is empty if others add it.
void fill_fused(snmf4j_context& context, const SparseColumns& columns, const UsedRows& used,
                const SupportPlan& support, const FusedPlan& plan);

// Updates the coefficients of a slab by the rule, HALS without a tolerance or multiplicative, and
// adds to the support's sums, if that has nonzeros. Returns how many sums it leaves at the
// coefficients' `dots`.
int64_t fused(snmf4j_context& context, int type, int rule, const Slab& slab, const FusedPlan& plan,
              const Products& products, const UpdateNumbers* numbers,
              const Coefficients& coefficients, const SupportPlan& support);

}  // namespace snmf4j

#endif
