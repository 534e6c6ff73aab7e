// Moving matrices into panels and out of them.
#ifndef SNMF4J_CUDA_PANELS_HPP
#define SNMF4J_CUDA_PANELS_HPP

#include "handles.hpp"

namespace snmf4j {

// Part of a matrix: rows [row, row + rows) of tokens [token, token + tokens). Passed to kernels.
struct Piece {
  int64_t row, rows;
  int64_t token, tokens;
};

// What packing found, by block: sums of squares of the rounded elements, and whether one was beyond
// bounds. On the device; each launch adds to it.
struct Findings {
  static constexpr unsigned kBlocks = 2048;
  double* squares;  // [kBlocks]
  int* wrong;       // [kBlocks]
};

// Where the device sees the elements, in its own memory or in the host's.
void* seen(snmf4j_panels& panels);
const void* seen(const snmf4j_panels& panels);

// Put a piece into panels; `source` is on the device, row after row or token after token, without
// gaps, of `type` SNMF4J_FLOAT32 or SNMF4J_FLOAT64.
void pack_rows(snmf4j_panels& panels, int type, const void* source, const Piece& piece,
               const Findings& findings);
void pack_tokens(snmf4j_panels& panels, int type, const void* source, const Piece& piece,
                 const Findings& findings);
// A piece as floats, row after row.
void unpack_rows(const snmf4j_panels& panels, const Piece& piece, float* target);
// Every stride-th tile of `from`.
void copy_tiles(const snmf4j_panels& from, int64_t stride, snmf4j_panels& to);
// Sum of the squares of all elements; waits for it.
double sum_squares(const snmf4j_panels& panels);

// Copies a sample anew if its origin has changed.
void renew(const snmf4j_panels& panels);

}  // namespace snmf4j

#endif
