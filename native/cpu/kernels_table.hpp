// The members of Kernels after its name, in their order. Included inside an initializer.
// clang-format off
multiply,
extrapolate,
descend,
explained,
row_sums,
dot,
gram,
gram_wide,
settle,
transpose,
panel_kernels<float>(),
panel_kernels<Half>(),
panel_kernels<BFloat>()
