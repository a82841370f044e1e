// Which operators baselines can compute, and how much work an operator is.
#include "FrontendTesting.h"
#include "operators/network/InsideMacs.h"
#include "operators/reference/Interpreter.h"
#include "workbench/bench/BenchProblem.h"
#include <gtest/gtest.h>

using namespace lpgen;

namespace {

Result<Problem> recognize(llvm::StringRef text,
                          llvm::ArrayRef<int64_t> sizes = {}) {
  const Parsed parsed = parse(text);
  return recognizeProblem(parsed.op(), sizes);
}

TEST(BenchProblemTest, gemm) {
  const auto p = recognize("op f(x: u4[?m <= 64, 32], w: s4[16, 32]) "
                           "-> (y: i32[?m, 16]) {"
                           "  y[i,j] = sum(k) x[i,k] * w[j,k] }",
                           {10});
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_TRUE(p->isGemm);
  EXPECT_EQ(p->pixels(), 10);
  EXPECT_EQ(p->channels, 32);
  EXPECT_EQ(p->outChannels, 16);
  EXPECT_EQ(p->x, 0);
  EXPECT_EQ(p->w, 1);
  EXPECT_EQ(p->result, 2);
  EXPECT_EQ(p->output, OutputKind::I32);
}

TEST(BenchProblemTest, factorsInEitherOrder) {
  const auto p = recognize("op f(w: s4[16, 32], x: u4[8, 32]) "
                           "-> (y: i32[8, 16]) {"
                           "  y[i,j] = sum(k) w[j,k] * x[i,k] }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_EQ(p->x, 1);
  EXPECT_EQ(p->w, 0);
}

TEST(BenchProblemTest, convolution) {
  const auto p =
      recognize("op f(x: u2[2, 9, 11, 8] pad(0), w: s2[6, 3, 5, 8]) "
                "-> (y: i32[2, 5, 11, 6]) {"
                "  y[n,h,v,o] = sum(r, s, c) x[n, 2*h + r - 1, v + 2*s - 4, c]"
                "               * w[o,r,s,c] }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_FALSE(p->isGemm);
  EXPECT_EQ(p->batch, 2);
  EXPECT_EQ(p->height, 9);
  EXPECT_EQ(p->width, 11);
  EXPECT_EQ(p->outHeight, 5);
  EXPECT_EQ(p->outWidth, 11);
  EXPECT_EQ(p->kernelH, 3);
  EXPECT_EQ(p->kernelW, 5);
  EXPECT_EQ(p->strideH, 2);
  EXPECT_EQ(p->strideW, 1);
  EXPECT_EQ(p->dilationH, 1);
  EXPECT_EQ(p->dilationW, 2);
  EXPECT_EQ(p->padTop, 1);
  EXPECT_EQ(p->padLeft, 4);
  EXPECT_EQ(p->result, 2);
}

TEST(BenchProblemTest, requantizedOutputsAreNotCompared) {
  const auto p =
      recognize("op f(x: u4[8, 32], w: s4[16, 32], s: f32[16]) "
                "-> (y: u4[8, 16]) {"
                "  y[i,j] = round((sum(k) x[i,k] * w[j,k]) * s[j]) }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_EQ(p->result, -1);
  EXPECT_EQ(p->output, OutputKind::U8);
}

TEST(BenchProblemTest, floats) {
  const auto p = recognize("op f(x: f32[8, 32], w: f32[16, 32]) "
                           "-> (y: f32[8, 16]) {"
                           "  y[i,j] = sum(k) x[i,k] * w[j,k] }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_TRUE(p->isGemm);
  EXPECT_EQ(p->result, 2);
}

TEST(BenchProblemTest, zeroPointsAreNotCompared) {
  const auto p =
      recognize("op f(x: u8[8, 32], w: s8[16, 32], z: i32 in [0, 255]) "
                "-> (y: i32[8, 16]) {"
                "  y[i,j] = sum(k) (x[i,k] - z) * w[j,k] }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_EQ(p->result, -1);
}

TEST(BenchProblemTest, othersSayWhy) {
  EXPECT_EQ(recognize("op f(x: u4[8]) -> (y: u4[8]) { y[i] = x[i] }").message(),
            "the operator has 0 reductions; theirs has one");
  EXPECT_EQ(
      recognize("op f(x: u4[8, 4]) -> (y: u4[8]) {"
                "  y[i] = max(k) x[i,k] }")
          .message(),
      "the operator is no sum of products of two inputs, of integers or of "
      "f32");
  EXPECT_EQ(
      recognize("op f(x: f32[8, 4], w: s4[6, 4]) -> (y: f32[8, 6]) {"
                "  y[i,j] = sum(k) x[i,k] * w[j,k] }")
          .message(),
      "the operator is no sum of products of two inputs, of integers or of "
      "f32");
  EXPECT_EQ(recognize("op f(x: u4[8, 4], w: s4[8, 4]) -> (y: i32[8]) {"
                      "  y[i] = sum(k) x[i,k] * w[i,k] }")
                .message(),
            "the operator is neither a matrix product x[m,k] * w[n,k] nor a "
            "convolution of NHWC activations with OHWI weights, or HWC ones if "
            "it is depthwise");
}

TEST(BenchProblemTest, depthwise) {
  const Result<Problem> p =
      recognize("op f(w: s4[3, 2, 4], x: u4[2, 9, 5, 4] pad(0)) "
                "-> (y: i32[2, 4, 5, 4]) {"
                "  y[n,h,v,c] = sum(r, s) x[n, 2*h + r, v + s - 1, c]"
                "               * w[r,s,c] }");
  ASSERT_TRUE(p.ok()) << p.message();
  EXPECT_TRUE(p->isDepthwise);
  EXPECT_EQ(p->x, 1);
  EXPECT_EQ(p->w, 0);
  EXPECT_EQ(p->result, 2);
  EXPECT_EQ(p->channels, 4);
  EXPECT_EQ(p->outChannels, 4);
  EXPECT_EQ(p->kernelH, 3);
  EXPECT_EQ(p->kernelW, 2);
  EXPECT_EQ(p->strideH, 2);
  EXPECT_EQ(p->padTop, 0);
  EXPECT_EQ(p->padLeft, 1);
  EXPECT_EQ(p->reductionSize(), 6);
}

TEST(BenchProblemTest, depthwiseOfOtherLayouts) {
  EXPECT_FALSE(recognize("op f(x: u4[1, 5, 5, 4] pad(0), w: s4[4, 3, 3]) "
                         "-> (y: i32[1, 5, 5, 4]) {"
                         "  y[n,h,v,c] = sum(r, s)"
                         "    x[n, h + r - 1, v + s - 1, c] * w[c,r,s] }")
                   .ok());
  EXPECT_FALSE(recognize("op f(x: u4[1, 5, 5, 8] pad(0), w: s4[3, 3, 4]) "
                         "-> (y: i32[1, 5, 5, 4]) {"
                         "  y[n,h,v,c] = sum(r, s)"
                         "    x[n, h + r - 1, v + s - 1, 2*c] * w[r,s,c] }")
                   .ok());
}

std::optional<int64_t> inside(llvm::StringRef text,
                              llvm::ArrayRef<int64_t> sizes = {}) {
  const Parsed parsed = parse(text);
  return insideMultiplyAccumulates(parsed.op(), sizes);
}

TEST(InsideMacsTest, paddedConvolution) {
  // Of 7 positions, all taps but the first of the first and the last of the
  // last are inside: 19 of 21 in each direction.
  EXPECT_EQ(inside("op f(x: u2[1, 7, 7, 16] pad(0), w: b1[4, 3, 3, 16]) "
                   "-> (y: i32[1, 7, 7, 4]) {"
                   "  y[n,h,v,o] = sum(r, s, c) x[n, h + r - 1, v + s - 1, c]"
                   "               * w[o,r,s,c] }"),
            19 * 19 * 16 * 4);
}

TEST(InsideMacsTest, exactDivisionCountsWholeSubscriptsOnly) {
  // (h + 1 - r) / 2 in [0, 3): h + 1 - r in {0, 2, 4}; h in [0, 6), r in [0,
  // 3).
  EXPECT_EQ(inside("op f(x: s8[3] pad(0), w: s8[3]) -> (y: i32[6]) {"
                   "  y[h] = sum(r) x[(h + 1 - r) / 2] * w[r] }"),
            8);
}

TEST(InsideMacsTest, withoutPaddingAllAreInside) {
  const char *text = "op f(x: u4[?m <= 64, 32], w: s4[16, 32]) "
                     "-> (y: i32[?m, 16]) {"
                     "  y[i,j] = sum(k) x[i,k] * w[j,k] }";
  EXPECT_EQ(inside(text, {10}), 10 * 16 * 32);
  const Parsed parsed = parse(text);
  EXPECT_EQ(multiplyAccumulates(parsed.op(), {10}), 10 * 16 * 32);
}

TEST(InsideMacsTest, entangledSubscriptsAreNotCounted) {
  EXPECT_EQ(inside("op f(x: u4[5, 5] pad(0), w: s4[3]) -> (y: i32[5]) {"
                   "  y[i] = sum(r) x[i + r - 1, i - r + 1] * w[r] }"),
            std::nullopt);
}

} // namespace
