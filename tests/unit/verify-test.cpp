// Tests of verification: planned cases, sampled positions, and that
// hand-written kernels are accepted where they are right and reported where
// they are wrong.
#include "operators/frontend/Parser.h"
#include "workbench/verify/Cases.h"
#include "workbench/verify/LayerChecks.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace lpgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The ops of a source text; keeps the text alive for their locations.
class Parsed {
public:
  explicit Parsed(llvm::StringRef text) {
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text),
                               llvm::SMLoc());
    std::optional<ast::File> parsed = parseFile(sources);
    EXPECT_TRUE(parsed.has_value());
    if (parsed) {
      file = std::move(*parsed);
    }
  }
  const ast::Op &op(size_t number = 0) const { return file.ops.at(number); }

private:
  llvm::SourceMgr sources;
  ast::File file;
};

TargetDesc x86Target() {
  TargetDesc target;
  target.name = "test_x86";
  target.triple = "x86_64-linux-gnu";
  target.emulator = "qemu-x86_64-static";
  return target;
}

std::string kernelObject() {
  return (*llvm::MemoryBuffer::getFile(LPGEN_TEST_KERNELS_X86_64))
      ->getBuffer()
      .str();
}

constexpr const char *twiceText = R"(
op twice(x: i32[?m <= 100] in [-1000, 1000]) -> (y: i32[?m]) {
  y[i] = 2 * x[i]
}
)";

TEST(Cases, SizesDifferAndIncludeAffordableBounds) {
  const Parsed parsed(R"(
op f(x: u2[?m <= 100, ?n <= 4]) -> (y: i32[?m]) {
  y[i] = sum(j) x[i, j]
}
)");
  EXPECT_THAT(chooseSizes(parsed.op(), 1000),
              ElementsAre(ElementsAre(1, 4), ElementsAre(2, 1),
                          ElementsAre(3, 2), ElementsAre(5, 3),
                          ElementsAre(8, 4), ElementsAre(17, 4),
                          ElementsAre(100, 4)));
  EXPECT_EQ(chooseSizes(parsed.op(), 399).size(), 6u);
}

TEST(Cases, EverySplitAndEveryKindIsTried) {
  const Parsed parsed(twiceText);
  bool kinds[6] = {};
  bool splits[3] = {};
  for (const VerifyCase &planned : planCases(parsed.op(), 7, 2, 1000)) {
    kinds[size_t(planned.kind)] = true;
    for (JobSplit split : planned.splits) {
      splits[split] = true;
    }
    EXPECT_FALSE(planned.splits.empty());
    EXPECT_GE(planned.seed, 7u);
  }
  EXPECT_THAT(kinds, ElementsAre(true, true, true, true, true,
                                 /*FloatExtremes: no f32*/ false));
  EXPECT_THAT(splits, ElementsAre(true, true, true));
}

TEST(Cases, AreDescribed) {
  const Parsed parsed(twiceText);
  EXPECT_EQ(describeCase(parsed.op(), {{5}, InputKind::AllMax, 3, {}}),
            std::string(inputKindName(InputKind::AllMax)) +
                " inputs, seed 3, m = 5");
}

TEST(SamplePositions, HaveCornersAndBorders) {
  const std::vector<int64_t> positions = samplePositions({10, 20}, 40, 1);
  for (int64_t corner : {0, 19, 180, 199}) {
    EXPECT_THAT(positions, testing::Contains(corner));
  }
  int64_t borders = 0;
  int64_t last = -1;
  for (int64_t position : positions) {
    EXPECT_GT(position, last) << "ascending, no doubles";
    last = position;
    const int64_t row = position / 20;
    const int64_t column = position % 20;
    borders += row == 0 || row == 9 || column == 0 || column == 19;
  }
  EXPECT_LT(last, 200);
  EXPECT_GE(borders, 20);
  EXPECT_LE(positions.size(), 44u);
  EXPECT_GE(positions.size(), 35u);
  EXPECT_THAT(samplePositions({}, 10, 1), ElementsAre(0));
  EXPECT_THAT(samplePositions({3, 0}, 10, 1), ElementsAre());
  EXPECT_EQ(samplePositions({1, 1}, 10, 1).size(), 1u);
}

/// The expectation for y of an op that copies x.
Expectation expectCopy(const Parsed &parsed, HostTensor x,
                       const Expectation::Limits &limits = {}) {
  std::vector<HostTensor> tensors;
  tensors.push_back(std::move(x));
  tensors.emplace_back();
  Result<Expectation> result =
      Expectation::compute(parsed.op(), {}, std::move(tensors), 1, limits);
  EXPECT_TRUE(result.ok());
  return std::move(*result);
}

TEST(Expectation, FloatsAreComparedByBitsButNaN) {
  const Parsed parsed("op f(x: f32[3]) -> (y: f32[3]) { y[i] = x[i] }");
  HostTensor x({Encoding::Float, 32}, {3});
  x.setFloat(0, std::nanf("1"));
  x.setFloat(1, 0.0f);
  x.setFloat(2, 1.5f);
  HostTensor found = x;
  found.setFloat(0, -std::numeric_limits<float>::quiet_NaN());
  const Expectation expected = expectCopy(parsed, x);
  std::vector<std::string> lines;
  EXPECT_EQ(expected.compare(0, found, 10, lines), 0);
  found.setFloat(1, -0.0f);
  found.setFloat(2, 2.0f);
  EXPECT_EQ(expected.compare(0, found, 1, lines), 2);
  EXPECT_THAT(lines, ElementsAre("output 'y' at [1]: expected 0 (bits "
                                 "00000000), found -0 (bits 80000000)"));
}

TEST(Expectation, SamplesLargeOps) {
  const Parsed parsed("op f(x: s8[50, 40]) -> (y: s8[50, 40]) {\n"
                      "  y[i, j] = x[i, j]\n}");
  HostTensor x({Encoding::Signed, 8}, {50, 40});
  for (int64_t i = 0; i < 2000; ++i) {
    x.setInt(i, i % 100);
  }
  const Expectation expected = expectCopy(parsed, x, {1000, 64, 4096});
  EXPECT_TRUE(expected.isSampled());
  EXPECT_GE(expected.numElements(), 64);
  EXPECT_LT(expected.numElements(), 1100);
  std::vector<std::string> lines;
  EXPECT_EQ(expected.compare(0, x, 10, lines), 0);
  x.setInt(1999, -1); // A corner is always among the samples.
  EXPECT_EQ(expected.compare(0, x, 10, lines), 1);
  EXPECT_THAT(lines,
              ElementsAre("output 'y' at [49, 39]: expected 99, found -1"));
}

TEST(Verify, AcceptsARightKernel) {
  const Parsed parsed(twiceText);
  const std::string object = kernelObject();
  const auto reports =
      verifyOps({{&parsed.op(), "twice", object}}, x86Target(), {});
  ASSERT_TRUE(reports.ok()) << reports.message();
  const VerifyReport &report = reports->front();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.op, "twice");
  EXPECT_EQ(report.symbol, "twice_i32_test");
  // Sizes 1, 2, 3, 5, 8, 17, 100; two random sets, one of them in three splits,
  // and four other kinds.
  EXPECT_EQ(report.inputSets, 7 * 6);
  EXPECT_EQ(report.runs, 7 * 8);
  EXPECT_EQ(report.elements, 8 * (1 + 2 + 3 + 5 + 8 + 17 + 100));
  EXPECT_FALSE(report.isSampled);
}

TEST(Verify, ReportsAWrongKernelAndGoesOn) {
  const Parsed wrong(R"(
op twice(x: i32[?m <= 100] in [0, 5]) -> (y: i32[?m]) {
  y[i] = min(2 * x[i], 9)
}
op again(x: i32[?m <= 100] in [0, 4]) -> (y: i32[?m]) {
  y[i] = min(2 * x[i], 9)
}
)");
  const std::string object = kernelObject();
  VerifyOptions options;
  options.maxMessages = 2;
  options.batchBytes = 100; // Many processes.
  // The second item's kernel is in the first one's object.
  const auto reports = verifyOps(
      {{&wrong.op(0), "twice", object}, {&wrong.op(1), "twice_i32_test", ""}},
      x86Target(), options);
  ASSERT_TRUE(reports.ok()) << reports.message();
  const VerifyReport &first = reports->front();
  EXPECT_FALSE(first.ok());
  EXPECT_GE(first.mismatches, 17 + 100);
  ASSERT_EQ(first.messages.size(), 2u);
  EXPECT_THAT(first.messages[0], HasSubstr("expected 9, found 10 ("));
  EXPECT_THAT(first.messages[0], HasSubstr("tasks split: "));
  EXPECT_THAT(first.messages[0], HasSubstr("kernel 'twice_i32_test')"));
  EXPECT_EQ(reports->back().op, "again");
  EXPECT_TRUE(reports->back().ok()) << "8 is the largest product";
}

TEST(Verify, NamesTheCaseOfAKernelThatDies) {
  const Parsed parsed(
      "op wild_pointer(x: u8[16]) -> (y: u8[16]) { y[i] = x[i] }");
  const std::string object = kernelObject();
  const auto reports =
      verifyOps({{&parsed.op(), "wild_pointer", object}}, x86Target(), {});
  ASSERT_FALSE(reports.ok());
  EXPECT_THAT(reports.message(),
              HasSubstr("kernel 'wild_pointer_test' in job 1 of"));
  EXPECT_THAT(reports.message(), HasSubstr("inputs, seed 1; tasks split: "
                                           "whole): died with signal 11"));
}

constexpr const char *networkText = R"(
op fc(x: u4[?n <= 20, 8], w: s4[8, 8]) -> (y: u4[?n, 8]) {
  acc[i,j] = sum(k) x[i,k] * w[j,k]
  y[i,j] = acc[i,j] >> 4
}
op net(unread: u4[3], x: u4[?n <= 20, 8], w: s4[8, 8]) -> (y: u4[?n, 8]) {
  a: u4 = fc(x, w)
  b: u4 = fc(a, w)
  y = fc(b, w)
}
)";

/// The results of all layers, right ones.
std::vector<HostTensor> runLayers(const LayerChecks &checks,
                                  std::vector<HostTensor> tensors,
                                  llvm::ArrayRef<int64_t> sizes) {
  const ast::Op &op = checks.observed();
  EXPECT_TRUE(Interpreter(op, sizes).run(tensors).ok());
  const size_t first = op.numInputs();
  std::vector<HostTensor> results;
  for (size_t i = first; i < op.tensors.size(); ++i) {
    if (op.tensors[i].role == ast::Role::Output) {
      results.push_back(tensors[i]);
    }
  }
  return results;
}

TEST(LayerChecks, TheFirstDifferentLayerIsTheFaultyOne) {
  const Parsed parsed(networkText);
  const LayerChecks checks(parsed.op(1));
  EXPECT_THAT(checks.outputPlaces(), ElementsAre(2));
  const int64_t sizes[] = {20};
  auto inputs = makeInputs(parsed.op(1), sizes, InputKind::Random, 1);
  ASSERT_TRUE(inputs.ok());
  const std::vector<HostTensor> used = checks.inputsOf(*inputs);
  ASSERT_EQ(used.size(), 2u); // Nothing reads the third.
  std::vector<HostTensor> found = runLayers(checks, used, sizes);
  VerifyReport good;
  ASSERT_TRUE(checks.compare(sizes, used, found, 1, {}, "case", good).ok());
  EXPECT_TRUE(good.ok());
  EXPECT_FALSE(good.isSampled);
  EXPECT_EQ(good.elements, 3 * 160);
  found[1].setInt(19, 15 - found[1].getInt(19));
  VerifyReport bad;
  ASSERT_TRUE(checks.compare(sizes, used, found, 1, {}, "case", bad).ok());
  ASSERT_NE(bad.firstDifferent(), nullptr);
  EXPECT_EQ(bad.firstDifferent()->name, "b");
  EXPECT_EQ(bad.layers[1].mismatches, 1);
  EXPECT_EQ(bad.layers[0].mismatches, 0);
  EXPECT_THAT(bad.messages.front(),
              HasSubstr("layer 'b' at [2, 3]: expected "));
  EXPECT_THAT(bad.messages.front(), testing::EndsWith(" (case)"));
}

TEST(LayerChecks, LargeLayersAreSampled) {
  const Parsed parsed(R"(
op fc(x: u4[20000, 2], w: s4[4, 2]) -> (y: u4[20000, 4]) {
  y[i,j] = sum(k) x[i,k] * w[j,k]
}
op net(x: u4[20000, 2], w: s4[4, 2]) -> (y: u4[20000], z: u4[20000, 4]) {
  z = fc(x, w)
  y[i] = z[i, 3]
}
)");
  const LayerChecks checks(parsed.op(1));
  EXPECT_THAT(checks.outputPlaces(), ElementsAre(1, 0));
  auto inputs = makeInputs(parsed.op(1), {}, InputKind::Random, 1);
  ASSERT_TRUE(inputs.ok());
  const std::vector<HostTensor> found = runLayers(checks, *inputs, {});
  VerifyOptions options;
  options.limits.maxSteps = 100'000;
  VerifyReport report;
  ASSERT_TRUE(
      checks.compare({}, *inputs, found, 1, options, "case", report).ok());
  EXPECT_TRUE(report.ok());
  EXPECT_TRUE(report.isSampled);
  EXPECT_EQ(report.layers[0].elements, 80'000);
  EXPECT_NEAR(double(report.layers[0].compared), 10'000, 100);
  EXPECT_EQ(report.layers[1].compared, 20'000); // Of few steps.
}

} // namespace
} // namespace lpgen
