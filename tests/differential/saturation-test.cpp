// Saturated operands at the boundaries of narrow accumulators.
//
// A cell adds a proved number of steps in 8- or 16-bit lanes before it widens.
// For each cell, sums of just as many steps, one more, and twice as many and
// one are computed with rows and columns that are all at an end of their range;
// the right value is known without any reference: the depth times the product.
#include "ir/analysis/PackedForm.h"
#include "targets/Cell.h"
#include "tests/Skipping.h"
#include "tests/differential/Harness.h"
#include "tests/differential/Legality.h"
#include "tests/differential/Operators.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/OpJob.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>
#include <iostream>
#include <set>
#include <tuple>

namespace lpgen::difftest {
namespace {

class Saturation : public testing::TestWithParam<const Target *> {
protected:
  void SetUp() override {
    if (const std::string why = whyNotRunnable(*GetParam()); !why.empty()) {
      LPGEN_SKIP_OR_FAIL(why);
    }
  }
};

/// The values at which sums and counts grow fastest: both ends, and -1, which
/// has every bit set.
std::vector<int64_t> extremes(ElementType type) {
  std::vector<int64_t> values = {type.minValue(), type.maxValue()};
  if (type.encoding == Encoding::Signed && type.bits > 1) {
    values.push_back(-1);
  }
  return values;
}

/// Values that take turns along one dimension of a tensor.
struct Turns {
  std::vector<int64_t> values;
  size_t dimension;
  size_t first; ///< Number of the value at index 0.
  int64_t at(int64_t index) const {
    return values[(first + size_t(index)) % values.size()];
  }
};

HostTensor filled(const ast::Tensor &tensor, const Turns &turns) {
  std::vector<int64_t> shape;
  for (const ast::Extent &extent : tensor.shape) {
    shape.push_back(extent.size);
  }
  int64_t stride = 1;
  for (size_t d = turns.dimension + 1; d < shape.size(); ++d) {
    stride *= shape[d];
  }
  HostTensor values(tensor.type, shape);
  for (int64_t i = 0; i < values.numElements(); ++i) {
    values.setInt(i, turns.at(i / stride % shape[turns.dimension]));
  }
  return values;
}

/// One run of a compiled GEMM: each row of x and each column of w is one value,
/// so that sums are of the extremes of both, pair by pair, side by side.
struct Trial {
  const PreparedCase *prepared;
  Turns x;
  Turns w;
  std::vector<HostTensor> tensors;

  int64_t depth() const { return prepared->op().tensors[0].shape[1].size; }
  int64_t expected(int64_t row, int64_t column) const {
    return depth() * x.at(row) * w.at(column);
  }
};

/// A trial for each of `cases`, each beginning with other values.
std::vector<Trial>
makeTrials(const std::vector<std::unique_ptr<PreparedCase>> &cases) {
  std::vector<Trial> trials;
  for (const std::unique_ptr<PreparedCase> &prepared : cases) {
    const ast::Tensor &x = prepared->op().tensors[0];
    const ast::Tensor &w = prepared->op().tensors[1];
    // Of w[column, depth], or w[depth, column] beside x[row, depth, column].
    const size_t ofColumn = x.shape.size() == 3 ? 1 : 0;
    Trial trial = {prepared.get(),
                   {extremes(x.type), 0, trials.size()},
                   {extremes(w.type), ofColumn, trials.size()},
                   {}};
    trial.tensors.push_back(filled(x, trial.x));
    trial.tensors.push_back(filled(w, trial.w));
    trials.push_back(std::move(trial));
  }
  return trials;
}

void expectSums(const Trial &trial, const HostTensor &found,
                const Target &target) {
  const int64_t columns = found.shape()[1];
  for (int64_t i = 0; i < found.numElements(); ++i) {
    const int64_t row = i / columns;
    const int64_t column = i % columns;
    if (found.getInt(i) != trial.expected(row, column)) {
      ADD_FAILURE() << "element [" << row << ", " << column << "]: expected "
                    << trial.expected(row, column) << ", got "
                    << found.getInt(i) << "; x is all " << trial.x.at(row)
                    << ", w is all " << trial.w.at(column) << "\n"
                    << describe(*trial.prepared->source, target);
      return;
    }
  }
}

/// Runs all trials in one program.
void runTrials(const std::vector<std::unique_ptr<PreparedCase>> &cases,
               const Target &target) {
  std::vector<llvm::StringRef> objects;
  objects.reserve(cases.size());
  for (const std::unique_ptr<PreparedCase> &prepared : cases) {
    objects.emplace_back(prepared->compiled.object);
  }
  const Result<KernelProgram> program =
      KernelProgram::link(objects, target.desc());
  ASSERT_TRUE(program.ok()) << program.message();
  const std::vector<Trial> trials = makeTrials(cases);
  std::vector<Job> jobs;
  jobs.reserve(trials.size());
  for (const Trial &trial : trials) {
    jobs.push_back(makeJob(trial.prepared->op(),
                           trial.prepared->compiled.symbol, {}, trial.tensors));
  }
  const Result<std::vector<JobResult>> results = program->runJobs(jobs);
  ASSERT_TRUE(results.ok()) << results.message();
  for (size_t i = 0; i < trials.size(); ++i) {
    expectSums(trials[i], (*results)[i].outputs.front(), target);
  }
}

ElementType u(unsigned bits) { return {Encoding::Unsigned, bits}; }
ElementType s(unsigned bits) { return {Encoding::Signed, bits}; }

/// Pairs of types, some for each cell; those that a cell cannot store are left
/// out, those that it cannot add are refused by the compiler and counted.
std::vector<std::pair<ElementType, ElementType>> typePairs() {
  const auto b = [](unsigned bits) {
    return ElementType{Encoding::Bipolar, bits};
  };
  return {{b(1), b(1)}, {u(1), b(1)}, {u(2), {Encoding::Ternary, 2}},
          {u(4), s(4)}, {s(4), s(4)}, {b(4), s(4)},
          {u(8), s(4)}, {u(8), s(5)}, {s(7), s(7)},
          {u(8), s(7)}, {u(8), s(8)}, {s(8), s(8)},
          {b(8), b(8)}, {u(8), u(8)}, {u(2), b(2)},
          {u(4), b(1)}, {u(5), b(1)}, {u(6), b(1)},
          {u(3), b(3)}, {u(8), s(2)}, {s(8), {Encoding::Ternary, 2}},
          {u(8), b(1)}};
}

/// What `cell` stores of an operand of `type`; nothing if it cannot.
std::optional<StoredRange> storedRange(ElementType type, const Cell &cell,
                                       lp::OperandKind kind) {
  const auto storage =
      storageOf(type, {type.minValue(), type.maxValue()}, cell.facts(), kind);
  return storage ? std::optional(storage->rangeWithZero()) : std::nullopt;
}

int64_t maxAbs(ElementType type) {
  return std::max(type.maxValue(), -type.minValue());
}

/// The most products that 32 bits hold.
int64_t deepestSum(ElementType x, ElementType w) {
  return INT32_MAX / (maxAbs(x) * maxAbs(w));
}

/// Depths of the reduction around the bound of `cell` for operands of types `x`
/// and `w`, which it stores in the ranges given.
std::vector<int64_t> depthsFor(const Cell &cell, ElementType x, ElementType w,
                               StoredRange xStored, StoredRange wStored) {
  const int64_t group = cell.facts().group;
  // The greatest sum that i32 holds is a boundary too: that of wide
  // accumulators.
  const int64_t largest = deepestSum(x, w);
  // What would be reached only beyond is not worth the time.
  constexpr int64_t longest = 70000;
  const int64_t most = std::min(largest, longest);
  std::vector<int64_t> depths;
  if (largest <= longest) {
    depths.push_back(largest);
  }
  const int64_t steps = cell.maxSteps(xStored, wStored);
  for (int64_t n : {steps, steps + 1, 2 * steps + 1}) {
    if (n > 0 && n < most / group) {
      depths.push_back(n * group);
    }
  }
  if (steps < most / group - 1) {
    depths.push_back(steps * group + 1);
  }
  // Sums in bytes go through 16-bit sums up to their bound.
  const int64_t perStep = cell.facts().mostPerStep(xStored, wStored);
  const int64_t halves = UINT16_MAX / std::max<int64_t>(perStep, 1) * group;
  if (cell.facts().planes && halves + group < most) {
    depths.insert(depths.end(), {halves, halves + group});
  }
  if (depths.empty()) {
    depths.push_back(3001); // no bound within reach
  }
  return depths;
}

TEST_P(Saturation, AtEveryBoundary) {
  const Target &target = *GetParam();
  Harness harness(target, testSeed());
  std::vector<std::unique_ptr<TestCase>> tests;
  std::vector<std::unique_ptr<PreparedCase>> cases;
  size_t number = 0; // of the cell
  for (const Cell *cell : cellsOf(target)) {
    const CellFacts &facts = cell->facts();
    const auto pairs = typePairs();
    // Another third of the pairs for each cell that has the bound of another;
    // on the emulated machine, which holds and runs little, another pair.
    const bool isSlow = runsOnBochs(target) && !fullRun();
    const size_t thin = isSlow                          ? pairs.size()
                        : isTestedBefore(*cell, target) ? thinning(target)
                                                        : 1;
    // One pair of types for each way to store them and depth to reach; planes
    // hold digits, whatever the encodings. Each cell begins at another pair.
    std::set<std::tuple<Encoding, Encoding, int64_t>> seen;
    const size_t first = number++;
    for (size_t i = 0; i < pairs.size(); i += thin) {
      const auto &[x, w] = pairs[(first + i) % pairs.size()];
      const auto xStored = storedRange(x, *cell, lp::OperandKind::Activations);
      const auto wStored = storedRange(w, *cell, lp::OperandKind::Weights);
      if (!xStored || !wStored) {
        continue;
      }
      for (int64_t depth : depthsFor(*cell, x, w, *xStored, *wStored)) {
        // The greatest sum of 32 bits is one boundary, however deep it lies.
        const int64_t boundary = depth == deepestSum(x, w) ? 0 : depth;
        const auto way = facts.planes
                             ? std::tuple(Encoding(), Encoding(), boundary)
                             : std::tuple(x.encoding, w.encoding, boundary);
        if ((isSlow && depth > 10000) || !seen.insert(way).second) {
          continue;
        }
        const std::string name = "saturated" + std::to_string(tests.size());
        tests.push_back(std::make_unique<TestCase>(TestCase{
            .text = plainGemm(name, x, w, 3, facts.lanes + 1, depth),
            .schedule = withFittingTile(
                target,
                (facts.templateName + "<cell=" + facts.name + ">").str(),
                tests.size()),
            .applies = takes(*cell, x, w)}));
        if (auto prepared = harness.prepare(*tests.back())) {
          cases.push_back(std::move(prepared));
        }
      }
    }
  }
  std::cout << harness.summary().str() << "\n";
  EXPECT_FALSE(cases.empty());
  runTrials(cases, target);
}

/// Cells that have sums of 64 bits, and that no target before this one tests:
/// they are long.
std::vector<const Cell *> cellsOfLongSums(const Target &target) {
  std::vector<const Cell *> cells;
  llvm::copy_if(cellsOf(target), std::back_inserter(cells),
                [&](const Cell *cell) {
                  return !cell->facts().planes && !cell->facts().isFloat &&
                         (fullRun() || !isTestedBefore(*cell, target));
                });
  return cells;
}

class LongSums : public Saturation {};

/// Sums of 64 bits go through lanes of 32: depths around what those hold.
TEST_P(LongSums, AtEveryBoundary) {
  const Target &target = *GetParam();
  Harness harness(target, testSeed());
  std::vector<std::unique_ptr<TestCase>> tests;
  std::vector<std::unique_ptr<PreparedCase>> cases;
  for (const Cell *cell : cellsOfLongSums(target)) {
    const CellFacts &facts = cell->facts();
    for (const auto &[x, w] : {std::pair(s(12), s(12)),
                               {u(10), s(10)},
                               {s(15), s(16)},
                               {u(16), s(9)},
                               {u(8), s(8)}}) {
      const auto xStored = storedRange(x, *cell, lp::OperandKind::Activations);
      const auto wStored = storedRange(w, *cell, lp::OperandKind::Weights);
      if (!xStored || !wStored || cell->maxSteps(*xStored, *wStored) < 1) {
        continue;
      }
      // A cell of which one step alone can reach the bound has none.
      const int64_t steps =
          INT32_MAX / (facts.group * xStored->maxAbs() * wStored->maxAbs());
      // Shallower ones fit 32 bits, which the test above has.
      const int64_t least = INT32_MAX / (maxAbs(x) * maxAbs(w)) + 1;
      for (int64_t n : {steps, steps + 1, 2 * steps + 1}) {
        const int64_t depth = std::max(least, n * facts.group);
        const std::string name = "long" + std::to_string(tests.size());
        tests.push_back(std::make_unique<TestCase>(TestCase{
            .text = plainGemm(name, x, w, 3, facts.lanes + 1, depth, "i64"),
            .schedule =
                (facts.templateName + "<cell=" + facts.name + ">").str(),
            .applies = steps > 0}));
        if (auto prepared = harness.prepare(*tests.back())) {
          cases.push_back(std::move(prepared));
        }
      }
    }
  }
  std::cout << harness.summary().str() << "\n";
  EXPECT_FALSE(harness.summary().applied.empty());
  runTrials(cases, target);
}

/// Reductions whose values fit 16 bits run in 16: as many terms as these hold,
/// one more, and twice as many and one. 48 channels, the innermost loop.
TEST_P(Saturation, ShortSumsAtTheBoundOfSixteenBits) {
  const Target &target = *GetParam();
  Harness harness(target, testSeed());
  std::vector<std::unique_ptr<TestCase>> tests;
  std::vector<std::unique_ptr<PreparedCase>> cases;
  for (const auto &[x, w] :
       {std::pair(u(4), s(4)), {s(8), s(8)}, {u(8), s(8)}, {s(5), s(7)}}) {
    const int64_t terms = INT16_MAX / (maxAbs(x) * maxAbs(w));
    for (int64_t depth : {terms, terms + 1, terms + 2, 2 * terms + 1}) {
      const std::string name = "short" + std::to_string(tests.size());
      tests.push_back(std::make_unique<TestCase>(TestCase{
          .text = llvm::formatv("op {0}(x: {1}[3, {2}, 48], w: {3}[{2}, 48])"
                                " -> (y: i32[3, 48]) {{\n"
                                "  y[i,c] = sum(k) x[i,k,c] * w[k,c]\n}\n",
                                name, x.str(), depth, w.str()),
          .schedule = "direct",
          .applies = true}));
      if (auto prepared = harness.prepare(*tests.back())) {
        cases.push_back(std::move(prepared));
      }
    }
  }
  runTrials(cases, target);
}

/// 64 products of 255 and 127 are 2,072,640: kernels that add pairs of products
/// in 16 bits with saturation give 1,048,544.
TEST_P(Saturation, FullRangeOfEightBitsIsExact) {
  const Target &target = *GetParam();
  Harness harness(target, testSeed());
  std::vector<std::unique_ptr<TestCase>> tests;
  std::vector<std::unique_ptr<PreparedCase>> cases;
  for (const std::string &schedule : schedulesOf(target)) {
    tests.push_back(std::make_unique<TestCase>(
        TestCase{.text = plainGemm("full_range" + std::to_string(tests.size()),
                                   u(8), s(8), 4, 17, 64),
                 .schedule = schedule,
                 .applies = mustApply(target, schedule, u(8), s(8))}));
    if (auto prepared = harness.prepare(*tests.back())) {
      cases.push_back(std::move(prepared));
    }
  }
  ASSERT_FALSE(cases.empty());
  runTrials(cases, target);
}

std::vector<const Target *> targetsOfLongSums() {
  std::vector<const Target *> targets;
  llvm::copy_if(
      allTargets(), std::back_inserter(targets),
      [](const Target *target) { return !cellsOfLongSums(*target).empty(); });
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, Saturation,
                         testing::ValuesIn(allTargets().vec()), nameOf);
INSTANTIATE_TEST_SUITE_P(Targets, LongSums,
                         testing::ValuesIn(targetsOfLongSums()), nameOf);

} // namespace
} // namespace lpgen::difftest
