// Baselines against a loop over the definition of the product, and the operands
// at which int8 libraries saturate.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <gtest/gtest.h>
#include <random>

using namespace lpgen;

namespace {

/// Operands of one problem.
struct Case {
  Problem problem;
  BenchTensor xType;
  BenchTensor wType;
  HostTensor x;
  HostTensor w;

  Case(const Problem &problem, ElementType xElement, ElementType wElement)
      : problem(problem) {
    const Problem &p = problem;
    xType = {"x", xElement,
             p.isGemm ? std::vector{p.width, p.channels}
                      : std::vector{p.batch, p.height, p.width, p.channels},
             xElement.minValue(), xElement.maxValue()};
    wType = {"w", wElement, weightShape(p), wElement.minValue(),
             wElement.maxValue()};
    x = HostTensor(xElement, xType.shape);
    w = HostTensor(wElement, wType.shape);
  }

  void randomize() {
    // The same values in every run.
    std::mt19937_64 generator(7); // NOLINT(bugprone-random-generator-seed)
    fill(x, xType, generator);
    fill(w, wType, generator);
  }

  BaselineInputs inputs(const std::string &isa = "") const {
    return {problem, xType, wType, x, w, nullptr, 1, isa};
  }

  /// The definition in Problem.h, one output after the other.
  std::vector<int32_t> expected() const {
    const Problem &p = problem;
    std::vector<int32_t> sums;
    for (int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
      for (int64_t o = 0; o < p.outChannels; ++o) {
        int64_t sum = 0;
        for (int64_t tap = 0; tap < p.kernelH * p.kernelW; ++tap) {
          sum += tapSum(pixel, o, tap);
        }
        sums.push_back(int32_t(sum));
      }
    }
    return sums;
  }

private:
  static std::vector<int64_t> weightShape(const Problem &p) {
    return p.isGemm ? std::vector{p.outChannels, p.channels}
           : p.isDepthwise
               ? std::vector{p.kernelH, p.kernelW, p.channels}
               : std::vector{p.outChannels, p.kernelH, p.kernelW, p.channels};
  }

  static void fill(HostTensor &values, const BenchTensor &type,
                   std::mt19937_64 &generator) {
    const int64_t step = type.type.encoding == Encoding::Bipolar ? 2 : 1;
    std::uniform_int_distribution<int64_t> uniform(0,
                                                   (type.hi - type.lo) / step);
    for (int64_t i = 0; i < values.numElements(); ++i) {
      const int64_t value = type.lo + step * uniform(generator);
      if (type.type.isFloat()) {
        values.setFloat(i, float(value));
      } else {
        values.setInt(i, value);
      }
    }
  }

  int64_t tapSum(int64_t pixel, int64_t o, int64_t tap) const {
    const Problem &p = problem;
    const int64_t row = pixel / p.outWidth;
    const int64_t h = row % p.outHeight * p.strideH +
                      tap / p.kernelW * p.dilationH - p.padTop;
    const int64_t v = pixel % p.outWidth * p.strideW +
                      tap % p.kernelW * p.dilationW - p.padLeft;
    if (h < 0 || h >= p.height || v < 0 || v >= p.width) {
      return 0;
    }
    const int64_t from =
        ((row / p.outHeight * p.height + h) * p.width + v) * p.channels;
    if (p.isDepthwise) {
      return wholeAt(x, from + o) * wholeAt(w, tap * p.channels + o);
    }
    int64_t sum = 0;
    for (int64_t c = 0; c < p.channels; ++c) {
      sum += wholeAt(x, from + c) *
             wholeAt(w, (o * p.kernelH * p.kernelW + tap) * p.channels + c);
    }
    return sum;
  }
};

/// A 3 x 3 filter over 7 x 6 pixels with padding 1.
Problem smallConvolution() {
  Problem p;
  p.batch = 2;
  p.height = p.outHeight = 7;
  p.width = p.outWidth = 6;
  p.channels = 5;
  p.outChannels = 19;
  p.kernelH = p.kernelW = 3;
  p.padTop = p.padLeft = 1;
  return p;
}

Problem smallGemm() {
  Problem p;
  p.isGemm = true;
  p.width = p.outWidth = 13;
  p.channels = 37;
  p.outChannels = 21;
  return p;
}

/// The baseline's results must be what it makes of the sums.
void expectResults(Baseline &baseline, const Case &operands) {
  const Result<std::vector<int32_t>> results = baseline.results();
  ASSERT_TRUE(results.ok()) << results.message();
  std::vector<int32_t> expected = operands.expected();
  for (int32_t &value : expected) {
    value = baseline.expected(value);
  }
  EXPECT_EQ(*results, expected) << baseline.name();
}

/// All baselines must take the case and agree with its definition.
void expectAgreement(const Case &operands, size_t numBaselines = 9) {
  std::vector<std::string> notes;
  const std::vector<std::unique_ptr<Baseline>> baselines =
      makeBaselines(operands.inputs(), notes);
  EXPECT_EQ(baselines.size(), numBaselines)
      << (notes.empty() ? "" : notes.front());
  EXPECT_EQ(baselines.size() + notes.size(), 9U);
  for (const std::unique_ptr<Baseline> &baseline : baselines) {
    ASSERT_TRUE(baseline->run().ok());
    expectResults(*baseline, operands);
  }
}

ElementType unsignedBits(unsigned bits) { return {Encoding::Unsigned, bits}; }
ElementType signedBits(unsigned bits) { return {Encoding::Signed, bits}; }

TEST(BaselinesTest, convolution) {
  Case operands(smallConvolution(), unsignedBits(4), signedBits(4));
  operands.randomize();
  expectAgreement(operands);
}

TEST(BaselinesTest, stridedDilatedAsymmetric) {
  Problem problem = smallConvolution();
  problem.strideH = 2;
  problem.strideW = 2;
  problem.dilationH = 2;
  problem.dilationW = 1;
  problem.padLeft =
      0; // 6 pixels, stride 2: one column of padding at the right.
  problem.outHeight = 3;
  problem.outWidth = 3;
  Case operands(problem, unsignedBits(8), signedBits(6));
  operands.randomize();
  expectAgreement(operands, 8); // 48 pairs of planes: no Halide bit-serial.
}

TEST(BaselinesTest, dilatedInWidth) {
  Problem problem = smallConvolution();
  problem.dilationW = 2;
  problem.padLeft = 2;
  Case operands(problem, unsignedBits(4), signedBits(4));
  operands.randomize();
  expectAgreement(operands);
}

TEST(BaselinesTest, depthwise) {
  for (const int64_t stride : {1, 2}) {
    Problem problem = smallConvolution();
    problem.isDepthwise = true;
    problem.channels = problem.outChannels;
    problem.strideH = problem.strideW = stride;
    problem.outHeight = stride == 1 ? 7 : 4;
    problem.outWidth = stride == 1 ? 6 : 3;
    Case operands(problem, unsignedBits(4), signedBits(4));
    operands.randomize();
    expectAgreement(operands, 4); // oneDNN's two, XNNPACK, plain C++.
  }
}

TEST(BaselinesTest, stridedWithoutPadding) {
  // The last row and column are read by no output.
  Problem problem = smallConvolution();
  problem.height = problem.width = 6;
  problem.kernelH = problem.kernelW = 1;
  problem.strideH = problem.strideW = 2;
  problem.padTop = problem.padLeft = 0;
  problem.outHeight = problem.outWidth = 3;
  Case operands(problem, unsignedBits(4), signedBits(4));
  operands.randomize();
  expectAgreement(operands);
}

TEST(BaselinesTest, gemm) {
  Case operands(smallGemm(), unsignedBits(8), signedBits(7));
  operands.randomize();
  expectAgreement(operands, 8); // 56 pairs of planes: no Halide bit-serial.
}

TEST(BaselinesTest, signedActivations) {
  Case operands(smallGemm(), signedBits(4), signedBits(4));
  operands.randomize();
  expectAgreement(operands);
}

TEST(BaselinesTest, whatRoundsSignedActivationsSaysSo) {
  Case operands(smallConvolution(), signedBits(5), {Encoding::Bipolar, 2});
  operands.randomize();
  std::vector<std::string> notes;
  for (const std::unique_ptr<Baseline> &baseline :
       makeBaselines(operands.inputs(), notes)) {
    ASSERT_TRUE(baseline->run().ok());
    if (baseline->arithmetic() == Arithmetic::Exact) {
      expectResults(*baseline, operands);
    }
  }
}

TEST(BaselinesTest, sixteenBitOperandsAreNotForInt8Libraries) {
  Case operands(smallGemm(), signedBits(10), signedBits(10));
  operands.randomize();
  expectAgreement(operands, 4);
  const BaselineResult baseline = makeOneDnnBaseline(operands.inputs());
  ASSERT_FALSE(baseline.ok());
  EXPECT_EQ(baseline.message(), "oneDNN int8: activations beyond 8 bits");
}

TEST(BaselinesTest, bipolarAndTernaryWeights) {
  for (const ElementType type :
       {ElementType{Encoding::Bipolar, 2}, ElementType{Encoding::Ternary, 2}}) {
    Case operands(smallConvolution(), unsignedBits(2), type);
    operands.randomize();
    expectAgreement(operands);
  }
}

TEST(BaselinesTest, allMaximumBits) {
  // Counts of ones in a byte stay below its limit only if they are widened.
  Problem problem = smallGemm();
  problem.channels = 600;
  Case operands(problem, unsignedBits(1), unsignedBits(1));
  for (int64_t i = 0; i < operands.x.numElements(); ++i) {
    operands.x.setInt(i, 1);
  }
  for (int64_t i = 0; i < operands.w.numElements(); ++i) {
    operands.w.setInt(i, 1);
  }
  expectAgreement(operands);
}

TEST(BaselinesTest, oneRow) {
  Problem problem = smallGemm();
  problem.width = problem.outWidth = 1;
  Case operands(problem, signedBits(8), ElementType{Encoding::Bipolar, 1});
  operands.randomize();
  expectAgreement(operands);
}

TEST(BaselinesTest, floatsRoundBeyond24Bits) {
  Problem problem = smallGemm();
  problem.channels = 1000;
  Case operands(problem, unsignedBits(8), signedBits(8));
  EXPECT_EQ(operands.inputs().floatArithmetic(), Arithmetic::Rounding);
  problem.channels = 500;
  Case fewer(problem, unsignedBits(8), signedBits(8));
  EXPECT_EQ(fewer.inputs().floatArithmetic(), Arithmetic::Exact);
}

TEST(BaselinesTest, floatOperands) {
  for (const Problem &problem : {smallConvolution(), smallGemm()}) {
    Case operands(problem, signedBits(4), signedBits(4));
    for (BenchTensor *type : {&operands.xType, &operands.wType}) {
      type->type = {Encoding::Float, 32};
    }
    operands.x = HostTensor(operands.xType.type, operands.xType.shape);
    operands.w = HostTensor(operands.wType.type, operands.wType.shape);
    operands.randomize();
    expectAgreement(operands, 2); // oneDNN's f32 and OpenBLAS.
  }
}

TEST(BaselinesTest, threads) {
  Case operands(smallConvolution(), unsignedBits(4), signedBits(4));
  operands.randomize();
  ThreadPool pool(3);
  BaselineInputs inputs = operands.inputs();
  inputs.pool = &pool;
  inputs.threads = 3;
  std::vector<std::string> notes;
  for (const std::unique_ptr<Baseline> &baseline :
       makeBaselines(inputs, notes)) {
    ASSERT_TRUE(baseline->run().ok());
    expectResults(*baseline, operands);
  }
}

} // namespace
