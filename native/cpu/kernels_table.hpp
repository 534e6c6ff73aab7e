// The members of Kernels after its name, in their order. Included inside an initializer.
// clang-format off
project,
project_dense,
multiply,
extrapolate,
descend,
explained,
row_sums,
support_cross,
dot,
cross,
gram,
transpose,
residual,
pack_rows<float>,
pack_rows<double>,
pack_tokens<float>,
pack_tokens<double>
