// All kernels of one element type; constant, so that nothing runs while the library is loaded.
template <typename Element>
static constexpr PanelKernels panel_kernels() {
  return {sizeof(Element),
          project<Element>,
          project_dense<Element>,
          support_cross<Element>,
          cross<Element>,
          residual<Element>,
          token_residuals<Element>,
          token<Element>,
          squares<Element>,
          widen<Element>,
          pack_rows<Element, float>,
          pack_rows<Element, double>,
          pack_tokens<Element, float>,
          pack_tokens<Element, double>};
}
