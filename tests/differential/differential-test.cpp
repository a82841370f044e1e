// Generated kernels against the interpreter, bit for bit, over everything that
// a kernel's code depends on. One instance of each test per target; those that
// this machine cannot run, natively or emulated, fail (see tests/Skipping.h).
//
// LPGEN_TEST_FULL=1 takes the product of types and schedules in place of the
// pairwise selection; LPGEN_TEST_SEED=N draws other random operators and
// inputs.
#include "ir/analysis/PackedForm.h"
#include "operators/frontend/Parser.h"
#include "targets/Cell.h"
#include "tests/Skipping.h"
#include "tests/differential/Harness.h"
#include "tests/differential/Legality.h"
#include "tests/differential/OperatorFiles.h"
#include "tests/differential/Operators.h"
#include "tests/differential/RandomOperator.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <gtest/gtest.h>
#include <iostream>
#include <set>

namespace lpgen::difftest {
namespace {

class Differential : public testing::TestWithParam<const Target *> {
protected:
  void SetUp() override {
    if (const std::string why = whyNotRunnable(*GetParam()); !why.empty()) {
      LPGEN_SKIP_OR_FAIL(why);
    }
  }
  /// Verifies what was added and prints what was done; see Harness::finish.
  static void finish(Harness &harness,
                     const std::vector<std::string> &mustHaveApplied = {}) {
    harness.finish(mustHaveApplied);
    std::cout << "seed " << testSeed() << ": " << harness.summary().str()
              << "\n";
  }
};

TEST_P(Differential, GemmOfEveryPairOfWidths) {
  Harness harness(*GetParam(), testSeed());
  for (TestCase &test : gemmSelection(*GetParam())) {
    harness.add(std::move(test));
  }
  finish(harness, schedulesOf(*GetParam()));
}

TEST_P(Differential, ConvolutionOfEveryPairOfWidths) {
  Harness harness(*GetParam(), testSeed());
  for (TestCase &test : convSelection(*GetParam())) {
    harness.add(std::move(test));
  }
  finish(harness, schedulesOf(*GetParam()));
}

TEST_P(Differential, ChannelsInLanes) {
  Harness harness(*GetParam(), testSeed());
  for (TestCase &test : lanesSelection(*GetParam())) {
    harness.add(std::move(test));
  }
  finish(harness);
}

/// A product of several rows and one of a single row, whose tile has planes of
/// x side by side, and a convolution for each cell, in one program: short
/// enough for slow emulators.
std::vector<TestCase> casesOf(llvm::ArrayRef<const Cell *> cells) {
  std::vector<TestCase> cases;
  for (const Cell *cell : cells) {
    const CellFacts &facts = cell->facts();
    const std::string name = facts.name.str();
    const bool takesBitsOnly = !facts.planes && facts.w.hi - facts.w.lo == 1;
    // f32 in place of integers.
    const auto type = [&](const char *integer) {
      return std::string(facts.isFloat ? "f32" : integer);
    };
    for (const std::string &text :
         {"op product_" + name + "(x: " + type("u3") +
              "[7, 70], w: " + type("b1") + "[37, 70]) -> (y: " + type("i32") +
              "[7, 37]) {\n"
              "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n",
          "op row_" + name + "(x: " + type(facts.planes ? "u8" : "u3") +
              "[1, 700], w: " + type(facts.planes ? "s1" : "b1") +
              "[37, 700]) -> (y: " + type("i32") +
              "[1, 37]) {\n"
              "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n",
          "op image_" + name + "(x: " + type("b2") +
              "[1, 5, 7, 33] pad(0), w: " + type(takesBitsOnly ? "b1" : "s2") +
              "[20, 3, 3, 33])\n"
              "  -> (y: " +
              type("i32") +
              "[1, 5, 7, 20]) {\n"
              "  y[n,h,v,o] = sum(r, s, c)\n"
              "    x[n, h + r - 1, v + s - 1, c] * w[o,r,s,c]\n}\n"}) {
      cases.push_back(
          {.text = text,
           .schedule = (facts.templateName + "<cell=" + name + ">").str(),
           .applies = true});
    }
  }
  return cases;
}

TEST_P(Differential, EveryCell) {
  Harness harness(*GetParam(), testSeed());
  for (TestCase &test : casesOf(GetParam()->cells())) {
    harness.add(std::move(test));
  }
  finish(harness);
}

/// The emulators of tools/emulators, also where the CPU runs their targets: by
/// them others are tested on CPUs that do not.
class Emulated : public Differential {
protected:
  void SetUp() override {
    setenv("LPGEN_EMULATE", GetParam()->desc().emulator.c_str(), 1);
    Differential::SetUp();
  }
  void TearDown() override { unsetenv("LPGEN_EMULATE"); }
};

/// A level's own cells: the emulator has the others' instructions of the levels
/// before. Of the cases of a cell, which the CPU has run itself, one in turn.
TEST_P(Emulated, EveryCell) {
  Harness harness(*GetParam(), testSeed());
  const std::vector<const Cell *> cells = cellsOf(*GetParam());
  for (size_t c = 0; c < cells.size(); ++c) {
    std::vector<TestCase> cases = casesOf(cells[c]);
    for (size_t i = 0; i < cases.size(); ++i) {
      if (fullRun() || i == c % cases.size()) {
        harness.add(std::move(cases[i]));
      }
    }
  }
  finish(harness);
}

/// tests/operators: pools, backward products, chains, thresholds, look-ups, ...
/// Every third for a level, others for each.
TEST_P(Differential, SampleOperators) {
  Harness harness(*GetParam(), testSeed());
  const size_t thin = thinning(*GetParam());
  const auto *place = llvm::find(allTargets(), GetParam());
  std::error_code error;
  size_t count = place - allTargets().begin();
  for (llvm::sys::fs::directory_iterator
           file(LPGEN_SOURCE_DIR "/tests/operators", error),
       end;
       file != end && !error; file.increment(error)) {
    if (llvm::sys::path::extension(file->path()) != ".lp") {
      continue;
    }
    auto buffer = llvm::MemoryBuffer::getFile(file->path());
    ASSERT_TRUE(bool(buffer)) << file->path();
    const std::string text = (*buffer)->getBuffer().str();
    const std::vector<std::string> names = operatorsOf(text);
    ASSERT_FALSE(names.empty()) << file->path();
    // Bochs rounds ties of VCVTPS2PH away from 0, not to even; and its
    // VPMOVSXBD reads the bytes that the mask leaves out, behind a tensor.
    const llvm::StringRef fileName = llvm::sys::path::filename(file->path());
    const bool isWrongThere =
        runsOnBochs(*GetParam()) &&
        (fileName == "halves.lp" || fileName == "prefixes.lp");
    if (isWrongThere) {
      std::cout << "left out: " << fileName.str()
                << ", which Bochs gets wrong\n";
    }
    for (const std::string &name : names) {
      if (count++ % thin == 0 && !isWrongThere) {
        harness.add({.text = onlyOperator(text, name), .schedule = ""});
      }
    }
  }
  ASSERT_FALSE(error) << error.message();
  finish(harness);
  EXPECT_GE(harness.summary().compiled, 20U);
}

/// The operators of a file, with every schedule that has a cell; tiles in turn.
/// With each at most `most` that it takes. True if each operator was compiled.
bool addWithSchedules(Harness &harness, const Target &target,
                      const std::string &file, size_t most) {
  auto buffer =
      llvm::MemoryBuffer::getFile(LPGEN_SOURCE_DIR "/tests/operators/" + file);
  if (!buffer) {
    ADD_FAILURE() << "cannot read " << file;
    return false;
  }
  const std::string text = (*buffer)->getBuffer().str();
  const std::vector<std::string> names = operatorsOf(text);
  const std::vector<std::string> schedules = schedulesOf(target);
  size_t number = 0;
  std::set<std::string> compiled;
  for (size_t i = 0; i < schedules.size(); ++i) {
    const size_t before = harness.summary().compiled;
    for (size_t j = 0; j < names.size(); ++j) {
      const size_t count = harness.summary().compiled;
      if (count - before < most) {
        const std::string &name = names[(2 * i + j) % names.size()];
        harness.add({numbered(onlyOperator(text, name), number),
                     withFittingTile(target, schedules[i], number)});
        ++number;
        if (harness.summary().compiled > count) {
          compiled.insert(name);
        }
      }
    }
  }
  return !names.empty() && compiled.size() == names.size();
}

/// One target tries more than the others.
bool isMostTested(const Target &target) {
  return target.desc().name == "x86_avx2";
}

/// Operators of a file that are tried with each schedule.
size_t mostOf(const Target &target, size_t most, size_t elsewhere) {
  return fullRun() ? SIZE_MAX : isMostTested(target) ? most : elsewhere;
}

/// Contractions that write the x of others. Each cell has two operators that it
/// takes, on one target three, others for each.
TEST_P(Differential, Chains) {
  Harness harness(*GetParam(), testSeed());
  const bool hasAll = addWithSchedules(harness, *GetParam(), "chains.lp",
                                       mostOf(*GetParam(), 3, 2));
  finish(harness, schedulesOf(*GetParam()));
  EXPECT_TRUE(!isMostTested(*GetParam()) || hasAll)
      << "an operator was compiled with no schedule";
}

/// Products of affine forms, which are completed from sums of x and of w. The
/// cost model's choice for each is among the sample operators.
TEST_P(Differential, AffineForms) {
  Harness harness(*GetParam(), testSeed());
  addWithSchedules(harness, *GetParam(), "affine_forms.lp",
                   mostOf(*GetParam(), 4, 2));
  finish(harness, schedulesOf(*GetParam()));
}

/// Zero points and paddings of images of run-time size.
TEST_P(Differential, ImageZeroPoints) {
  Harness harness(*GetParam(), testSeed());
  addWithSchedules(harness, *GetParam(), "image_zero_points.lp",
                   mostOf(*GetParam(), 4, 2));
  finish(harness, schedulesOf(*GetParam()));
}

/// Operands that are views of larger tensors.
TEST_P(Differential, Views) {
  Harness harness(*GetParam(), testSeed());
  addWithSchedules(harness, *GetParam(), "views.lp", mostOf(*GetParam(), 3, 1));
  finish(harness);
  EXPECT_GT(harness.summary().compiled, 2U);
}

/// Products of f32 with the cell and as loops; tiles in turn. A level tries
/// less.
TEST_P(Differential, FloatProducts) {
  auto buffer = llvm::MemoryBuffer::getFile(
      LPGEN_SOURCE_DIR "/tests/operators/float_products.lp");
  ASSERT_TRUE(bool(buffer));
  const std::string text = (*buffer)->getBuffer().str();
  const std::string cell = "widen<cell=fma>";
  Harness harness(*GetParam(), testSeed());
  size_t number = 0;
  for (const std::string &name : operatorsOf(text)) {
    const size_t turn = number;
    std::vector<std::string> schedules = {
        withFittingTile(*GetParam(), cell, turn)};
    if (thinning(*GetParam()) == 1) {
      schedules.push_back(withFittingTile(*GetParam(), cell, turn + 1));
      schedules.emplace_back("direct");
    }
    for (const std::string &schedule : schedules) {
      harness.add({.text = numbered(onlyOperator(text, name), number++),
                   .schedule = schedule,
                   .applies = true});
    }
  }
  finish(harness, {cell});
  EXPECT_GT(number, 8U);
}

/// -D changes widths and sizes; one text serves for many operators.
TEST_P(Differential, Parameters) {
  // Wrapped in an op of its own per combination, as names in a program differ.
  Harness harness(*GetParam(), testSeed());
  for (int64_t bits = 1; bits <= 8; ++bits) {
    for (int64_t rows : {1, 6}) {
      harness.add({"param AB = 3\nparam M = 2\nop p" +
                       std::to_string(10 * bits + rows) +
                       "(x: u{AB}[M, 21], w: s{AB}[9, 21])"
                       " -> (y: i32[M, 9]) {\n"
                       "  y[i,j] = sum(k) x[i,k] * w[j,k] + AB\n}\n",
                   "",
                   {{"AB", bits}, {"M", rows}}});
    }
  }
  finish(harness);
}

/// Operators in which kernels were wrong once.
TEST_P(Differential, OperatorsThatFailedOnce) {
  const char *const texts[] = {
      // The packed dimension is shorter than the reduction.
      "op longer_reduction(x: b7[?m <= 17, 4, 12] pad(0), w: s8[4, 13, 3])\n"
      "  -> (acc: i32[?m, 4]) {\n"
      "  acc[a,b] = sum(r:13, s:3) x[a, 2*s - 1, r + 0] * w[b,r,s]\n}\n",
      // The same in the operand that is read as w.
      "op longer_reduction_of_w(x: u4[33, 9], w: t2[32, 1] pad(-1))\n"
      "  -> (y: i32[2, 9]) {\n"
      "  y[a,b] = sum(r:33) x[r,b] * w[r + 0, 2*a - 2]\n}\n",
      // A border that begins at a size known only at run time.
      "op runtime_border(x: u4[?p <= 9, 8] pad(3), w: s4[5, 8])\n"
      "  -> (y: i32[5, 5]) {\n"
      "  y[a,b] = sum(k) x[2*a - 1, k] * w[b,k]\n}\n",
      "op runtime_border_zero(x: u4[?p <= 9, 8] pad(zx), w: s4[5, 8],\n"
      "    zx: i32 in [0, 15], zw: s4[5])\n  -> (y: i32[9, 5]) {\n"
      "  y[a,b] = sum(k) (x[a + 1, k] - zx) * (w[b,k] - zw[b])\n}\n",
      "op runtime_depth(x: u4[6, ?p <= 9] pad(1), w: s4[5, 8])\n"
      "  -> (y: i32[6, 5]) {\n"
      "  y[a,b] = sum(k:8) x[a, k + 0] * w[b,k]\n}\n",
      // The greater of -0 and +0 is +0.
      "op zeros(x: s8[3, 200], f: f32[200], g: f32[200])\n"
      "  -> (y: f32[3, 200], z: f32[3, 200], most: f32, least: f32) {\n"
      "  y[a,c] = max(f[c] * x[a,c], g[c])\n"
      "  z[a,c] = min(g[c], f[c] * x[a,c])\n"
      "  most = max(c) f[c]\n  least = min(c) (f[c] * 0.0)\n}\n"};
  Harness harness(*GetParam(), testSeed());
  size_t number = 0;
  for (const std::string &schedule : schedulesOf(*GetParam())) {
    for (const char *text : texts) {
      harness.add({numbered(text, number++), schedule});
    }
  }
  finish(harness, {"direct"});
}

/// A convolution whose border matters.
struct BorderedImage {
  int64_t batch, height, width, channels, filter, stride, dilation;
  int64_t top, left, outHeight, outWidth;
  const char *pad;

  std::string str() const {
    const bool hasZero = std::string(pad) == "zx";
    const std::string element =
        llvm::formatv("x[n, {0}*h + {1}*r - {2}, {0}*v + {1}*s - {3}, c]",
                      stride, dilation, top, left)
            .str();
    return llvm::formatv(
               "op border(x: u2[{0}, {1}, {2}, {3}] pad({4}),\n"
               "    w: s2[3, {5}, {5}, {3}]{6})\n  -> (y: i32[{0}, {7}, {8}, "
               "3]) {{\n  y[n,h,v,o] = sum(r, s, c)\n    {9}\n"
               "    * w[o,r,s,c]\n}\n",
               batch, height, width, channels, pad, filter,
               hasZero ? ", zx: u2" : "", outHeight, outWidth,
               hasZero ? "(" + element + " - zx)" : element)
        .str();
  }
};

/// Reductions so long that leaving out taps beyond the border, or passing over
/// slices of w, pays: what tests/lit/passes/tile-borders.lp shows in the IR.
TEST_P(Differential, BordersLeftOut) {
  constexpr BorderedImage images[] = {
      {1, 7, 7, 128, 3, 1, 1, 1, 1, 7, 7, "0"},
      {2, 7, 14, 96, 3, 1, 1, 1, 1, 7, 14, "1"},   // left and right tiles
      {1, 14, 21, 64, 3, 1, 1, 1, 1, 14, 21, "0"}, // a middle one too
      {1, 13, 13, 65, 3, 2, 1, 1, 1, 7, 7, "0"},
      {1, 7, 7, 67, 3, 1, 2, 2, 2, 7, 7, "zx"},
      {1, 7, 7, 64, 5, 1, 1, 2, 2, 7, 7, "0"},
      {1, 7, 7, 130, 3, 1, 1, 0, 2, 7, 7, "0"}, // asymmetric
      {1, 3, 7, 128, 5, 1, 1, 4, 4, 3, 7, "0"},
      {1, 1, 7, 300, 3, 1, 1, 0, 1, 1, 7, "0"}, // rows 1, 2 are all outside
  };
  const std::string deep =
      "op deep(x: u2[27, 9001], w: s2[3, 9001]) -> (y: i32[27, 3]) "
      "{\n  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n";
  Harness harness(*GetParam(), testSeed());
  size_t number = 0;
  size_t numTaken = 0;
  const std::vector<const Cell *> cells = cellsOf(*GetParam());
  // Borders are the same to all cells: each is tried with two of them, or more
  // where each cell has a third.
  const size_t thin = fullRun() || cells.size() < 3 ? 1
                      : cells.size() < 8            ? 3
                                                    : 5;
  for (size_t c = 0; c < cells.size(); ++c) {
    const Cell *cell = cells[c];
    const bool isTaken =
        takes(*cell, {Encoding::Unsigned, 2}, {Encoding::Signed, 2});
    numTaken += isTaken;
    // Seven rows make one tile of each line of most images.
    const bool areSeven =
        tileRegisters(*cell, 7, 1) <= GetParam()->desc().vectorRegisters;
    const std::string schedule =
        (cell->facts().templateName + "<cell=" + cell->facts().name).str();
    for (size_t i = c % thin; i < std::size(images); i += thin) {
      harness.add(
          {.text = numbered(images[i].str(), number++),
           .schedule = schedule + (areSeven ? ",tile=[7,1]>" : ",tile=[3,1]>"),
           .applies = isTaken});
    }
    harness.add({.text = numbered(deep, number++),
                 .schedule = schedule + ",tile=[3,1],block=9>",
                 .applies = isTaken});
  }
  finish(harness);
  EXPECT_GE(numTaken, 1U);
}

TEST_P(Differential, RandomOperators) {
  const size_t count = fullRun() ? 2000 : isLevel(*GetParam()) ? 40 : 150;
  Harness harness(*GetParam(), testSeed());
  harness.allowRejected();
  const std::vector<std::string> schedules = schedulesOf(*GetParam());
  for (size_t i = 0; i < count; ++i) {
    // Half of them as a user would compile them.
    const std::string schedule =
        i % 2 == 0
            ? ""
            : withTile(schedules[1 + (i / 2) % (schedules.size() - 1)], i % 3);
    harness.add({.text = randomOperator("random" + std::to_string(i),
                                        testSeed() * 1000003 + i),
                 .schedule = schedule,
                 .runsAnyway = true});
  }
  finish(harness);
  EXPECT_LE(harness.summary().numRejected(), count / 3)
      << "the generator makes too few legal operators";
}

/// Targets that this CPU runs, but that have an emulator of ours.
std::vector<const Target *> emulatedForTests() {
  std::vector<const Target *> targets;
  llvm::copy_if(allTargets(), std::back_inserter(targets),
                [](const Target *target) {
                  const TargetDesc &desc = target->desc();
                  return hostRuns(desc) &&
                         llvm::StringRef(desc.emulator).starts_with("lpgen-");
                });
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, Differential,
                         testing::ValuesIn(allTargets().vec()), nameOf);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Emulated);
INSTANTIATE_TEST_SUITE_P(Targets, Emulated,
                         testing::ValuesIn(emulatedForTests()), nameOf);

} // namespace
} // namespace lpgen::difftest
