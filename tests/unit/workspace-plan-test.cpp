// Places in the workspace: slices that are alive together never overlap, and
// the plan is near the least.
#include "ir/analysis/WorkspacePlan.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <random>

namespace lpgen {
namespace {

using Slices = std::vector<WorkspaceSlice>;

Slices randomSlices(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](uint32_t n) { return random() % n; };
  const size_t phases = 1 + below(40);
  Slices slices(1 + below(60));
  for (WorkspaceSlice &slice : slices) {
    slice.first = below(uint32_t(phases));
    // Most live shortly, as in networks; some as long as a residual.
    slice.last =
        std::min(phases - 1, slice.first + below(below(5) == 0 ? 30 : 3));
    slice.bytes = 64 * (1 + int64_t(below(below(2) == 0 ? 4 : 1000)));
  }
  return slices;
}

/// Both alive, and in memory of each other.
bool overlap(const Slices &slices, llvm::ArrayRef<int64_t> offsets, size_t a,
             size_t b) {
  return slices[a].isAliveWith(slices[b]) &&
         offsets[a] < offsets[b] + slices[b].bytes &&
         offsets[b] < offsets[a] + slices[a].bytes;
}

void expectApart(const Slices &slices, llvm::ArrayRef<int64_t> offsets,
                 int64_t bytes) {
  for (size_t a = 0; a < slices.size(); ++a) {
    EXPECT_GE(offsets[a], 0);
    EXPECT_LE(offsets[a] + slices[a].bytes, bytes);
    for (size_t b = a + 1; b < slices.size(); ++b) {
      EXPECT_FALSE(overlap(slices, offsets, a, b)) << a << " and " << b;
    }
  }
}

/// What a kernel computes for slices of these sizes.
llvm::SmallVector<int64_t> offsetsFor(const WorkspacePlan &plan,
                                      const Slices &slices) {
  std::vector<std::pair<int64_t, size_t>> upwards;
  upwards.reserve(slices.size());
  for (size_t i = 0; i < slices.size(); ++i) {
    upwards.emplace_back(plan.offsets[i], i);
  }
  llvm::sort(upwards);
  llvm::SmallVector<int64_t> offsets(slices.size(), 0);
  for (const auto &[offset, i] : upwards) {
    for (const size_t low : plan.below[i]) {
      offsets[i] = std::max(offsets[i], offsets[low] + slices[low].bytes);
    }
  }
  return offsets;
}

TEST(WorkspacePlan, KeepsWhatIsAliveTogetherApart) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    const Slices slices = randomSlices(seed);
    const WorkspacePlan plan = planWorkspace(slices);
    expectApart(slices, plan.offsets, plan.bytes);
    EXPECT_EQ(offsetsFor(plan, slices), plan.offsets);
  }
}

TEST(WorkspacePlan, HoldsForSmallerSizes) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Slices slices = randomSlices(seed);
    const WorkspacePlan plan = planWorkspace(slices);
    std::mt19937 random(seed);
    for (WorkspaceSlice &slice : slices) {
      slice.bytes = 64 * (int64_t(random()) % (slice.bytes / 64 + 1));
    }
    expectApart(slices, offsetsFor(plan, slices), plan.bytes);
  }
}

TEST(WorkspacePlan, IsNearTheLeast) {
  // Not every set of slices has a plan as small as the sum alive.
  int farther = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    const Slices slices = randomSlices(seed);
    const int64_t least = mostBytesAlive(slices);
    const WorkspacePlan plan = planWorkspace(slices);
    EXPECT_GE(plan.bytes, least);
    EXPECT_LE(double(plan.bytes), 1.2 * double(least));
    farther += double(plan.bytes) > 1.1 * double(least) ? 1 : 0;
  }
  EXPECT_LE(farther, 5);
}

TEST(WorkspacePlan, ALayerNeedsItsInputAndItsResult) {
  // Four tensors in a row, a residual around the two in the middle.
  const Slices slices = {{640, 0, 1}, {128, 1, 3}, {640, 2, 3}, {256, 3, 4}};
  EXPECT_EQ(mostBytesAlive(slices), 1024);
  EXPECT_EQ(planWorkspace(slices).bytes, 1024);
}

TEST(WorkspacePlan, OfNothingIsEmpty) {
  EXPECT_EQ(planWorkspace({}).bytes, 0);
  EXPECT_EQ(mostBytesAlive({}), 0);
}

} // namespace
} // namespace lpgen
