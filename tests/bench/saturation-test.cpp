// The operands at which int8 libraries without VNNI saturate silently: a
// program of its own, as oneDNN's instruction set is chosen once per process.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "tests/Skipping.h"
#include "workbench/measure/Baseline.h"
#include <gtest/gtest.h>

using namespace lpgen;

namespace {

/// All activations 255, all weights 127, 64 products.
TEST(SaturationTest, oneDnnSaturatesOnAvx2AndSaysSo) {
  if ((lp_cpu_features() & LP_CPU_AVX2) == 0) {
    LPGEN_SKIP_OR_FAIL("this CPU lacks AVX2");
  }
  Problem problem;
  problem.isGemm = true;
  problem.width = problem.outWidth = 1;
  problem.channels = 64;
  problem.outChannels = 1;
  BenchTensor xType{"x", {Encoding::Unsigned, 8}, {1, 64}, 0, 255};
  BenchTensor wType{"w", {Encoding::Signed, 8}, {1, 64}, -128, 127};
  HostTensor x(xType.type, xType.shape);
  HostTensor w(wType.type, wType.shape);
  for (int64_t i = 0; i < 64; ++i) {
    x.setInt(i, 255);
    w.setInt(i, 127);
  }
  const BaselineInputs inputs{problem, xType, wType, x, w, nullptr, 1, "avx2"};

  const BaselineResult library = makeOneDnnBaseline(inputs);
  ASSERT_TRUE(library.ok()) << library.message();
  EXPECT_EQ((*library)->arithmetic(), Arithmetic::Saturating);
  ASSERT_TRUE((*library)->run().ok());
  EXPECT_EQ((*library)->results()->front(), 1048544);

  const BaselineResult exact = makeInt16Avx2Baseline(inputs);
  ASSERT_TRUE(exact.ok()) << exact.message();
  ASSERT_TRUE((*exact)->run().ok());
  EXPECT_EQ((*exact)->results()->front(), 2072640);
}

} // namespace
