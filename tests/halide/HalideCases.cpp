// The list of operators; see HalideCases.h. Each one is here for a property
// that the two implementations could understand differently.
#include "tests/halide/HalideCases.h"

namespace lpgen::halidetest {

namespace {
constexpr ElementType u(unsigned bits) { return {Encoding::Unsigned, bits}; }
constexpr ElementType s(unsigned bits) { return {Encoding::Signed, bits}; }
constexpr ElementType b(unsigned bits) { return {Encoding::Bipolar, bits}; }
constexpr ElementType t2 = {Encoding::Ternary, 2};
} // namespace

std::vector<GemmCase> gemmCases() {
  return {
      {"gemm_u2_b1", u(2), b(1), 5, 7, 33},
      {"gemm_b1_b1", b(1), b(1), 4, 9, 64},
      {"gemm_u1_t2", u(1), t2, 3, 16, 65},
      {"gemm_t2_t2", t2, t2, 6, 5, 31},
      {"gemm_s4_s4", s(4), s(4), 7, 17, 40},
      {"gemm_u4_s4", u(4), s(4), 1, 33, 128},
      {"gemm_b8_b8", b(8), b(8), 3, 4, 19},
      {"gemm_u8_s8", u(8), s(8), 9, 8, 100},
      {"gemm_s8_s8", s(8), s(8), 8, 31, 67},
      {"gemm_u16_s16", u(16), s(16), 2, 3, 1},
      {"gemm_zx", u(8), s(8), 5, 6, 37, true, false},
      {"gemm_zw", u(8), u(4), 5, 6, 37, false, true},
      {"gemm_zx_zw", u(8), u(8), 6, 10, 45, true, true},
      {"gemm_s3_zx_zw", s(3), s(5), 6, 10, 45, true, true},
      {"gemv", u(3), s(3), 1, 50, 77},
      {"gemm_single", s(2), s(2), 1, 1, 1},
  };
}

std::vector<ConvCase> convCases() {
  std::vector<ConvCase> cases;
  const auto add = [&](const char *name, ElementType x,
                       ElementType w) -> ConvCase & {
    ConvCase &added = cases.emplace_back();
    added.name = name;
    added.x = x;
    added.w = w;
    return added;
  };
  add("conv_u2_b1", u(2), b(1)).inputs = 17;
  // No code of b1 is 0: the border is not a value of the type.
  add("conv_bipolar_border", b(1), b(1)).inputs = 9;
  add("conv_b4_b4", b(4), b(4)).outputs = 9;
  add("conv_u8_s8", u(8), s(8)).inputs = 13;
  add("conv_t2_s4", t2, s(4)).batch = 2;
  {
    ConvCase &c = add("conv_valid", u(4), s(4));
    c.border = Border::None;
    c.top = c.bottom = c.left = c.right = 0;
  }
  {
    ConvCase &c = add("conv_1x1", u(3), s(2));
    c.filterHeight = c.filterWidth = 1;
    c.border = Border::None;
    c.top = c.bottom = c.left = c.right = 0;
    c.inputs = 33;
  }
  {
    ConvCase &c = add("conv_asymmetric_border", s(4), s(3));
    c.bottom = 0;
    c.left = 2;
    c.right = 0;
  }
  add("conv_border_value", u(4), s(4)).borderValue = 7;
  add("conv_border_lowest", s(5), s(4)).borderValue = -16;
  {
    ConvCase &c = add("conv_stride2_even", u(2), s(2));
    c.stride = 2;
  }
  {
    ConvCase &c = add("conv_stride2_odd", u(2), s(2));
    c.stride = 2;
    c.height = 9;
    c.width = 7;
  }
  {
    ConvCase &c = add("conv_dilation2", u(2), t2);
    c.dilation = 2;
    c.top = c.bottom = c.left = c.right = 2;
  }
  {
    ConvCase &c = add("conv_groups", u(4), s(4));
    c.groups = 3;
    c.inputs = 5;
  }
  {
    ConvCase &c = add("conv_depthwise", s(8), s(4));
    c.groups = 10;
    c.inputs = 1;
    c.outputs = 1;
  }
  {
    ConvCase &c = add("conv_batch", u(2), b(1));
    c.batch = 2;
    c.height = 5;
    c.width = 6;
  }
  {
    ConvCase &c = add("conv_5x3", u(2), s(4));
    c.filterHeight = 5;
    c.top = c.bottom = 2;
  }
  {
    ConvCase &c = add("conv_zero_point", u(8), s(8));
    c.xZero = true;
    c.border = Border::XZero;
  }
  {
    ConvCase &c = add("conv_zero_points", u(8), u(8));
    c.xZero = c.wZero = true;
    c.border = Border::XZero;
    c.stride = 2;
    c.groups = 2;
  }
  {
    // The border is a value, not the zero point: it contributes.
    ConvCase &c = add("conv_zero_point_border_value", u(4), s(4));
    c.xZero = c.wZero = true;
    c.borderValue = 3;
  }
  return cases;
}

} // namespace lpgen::halidetest
