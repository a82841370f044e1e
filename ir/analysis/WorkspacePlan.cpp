// Places for the slices of a workspace. See WorkspacePlan.h.
//
// Finding the least workspace is hard in general. Slices are placed one after
// the other, each as low as those alive with it that have a place allow, in
// several orders of which the best counts.
#include "ir/analysis/WorkspacePlan.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <numeric>
#include <tuple>

using namespace lpgen;

namespace {

/// By slice, the numbers of those alive with it.
using Neighbours = std::vector<llvm::SmallVector<size_t>>;

} // namespace

static Neighbours neighboursOf(llvm::ArrayRef<WorkspaceSlice> slices) {
  Neighbours neighbours(slices.size());
  llvm::SmallVector<size_t> byFirst(slices.size());
  std::iota(byFirst.begin(), byFirst.end(), size_t{0});
  llvm::sort(byFirst, [&](size_t a, size_t b) {
    return std::pair(slices[a].first, a) < std::pair(slices[b].first, b);
  });
  for (auto [place, a] : llvm::enumerate(byFirst)) {
    for (const size_t b : llvm::drop_begin(byFirst, place + 1)) {
      if (slices[b].first > slices[a].last) {
        break;
      }
      neighbours[a].push_back(b);
      neighbours[b].push_back(a);
    }
  }
  return neighbours;
}

/// The lowest place for `bytes` bytes beside `taken`, pairs of begin and end.
static int64_t
lowestGap(llvm::SmallVectorImpl<std::pair<int64_t, int64_t>> &taken,
          int64_t bytes) {
  llvm::sort(taken);
  int64_t offset = 0;
  for (const auto &[begin, end] : taken) {
    if (begin - offset >= bytes) {
      break;
    }
    offset = std::max(offset, end);
  }
  return offset;
}

/// Places the slices in `order`.
static WorkspacePlan place(llvm::ArrayRef<WorkspaceSlice> slices,
                           const Neighbours &neighbours,
                           llvm::ArrayRef<size_t> order) {
  WorkspacePlan plan;
  plan.offsets.assign(slices.size(), -1);
  for (const size_t i : order) {
    llvm::SmallVector<std::pair<int64_t, int64_t>> taken;
    for (const size_t other : neighbours[i]) {
      if (const int64_t begin = plan.offsets[other]; begin >= 0) {
        taken.push_back({begin, begin + slices[other].bytes});
      }
    }
    plan.offsets[i] = lowestGap(taken, slices[i].bytes);
    plan.bytes = std::max(plan.bytes, plan.offsets[i] + slices[i].bytes);
  }
  return plan;
}

/// Fills in `below`; offsets are there.
static void findBelow(WorkspacePlan &plan,
                      llvm::ArrayRef<WorkspaceSlice> slices,
                      const Neighbours &neighbours) {
  const auto endOf = [&](size_t i) {
    return plan.offsets[i] + slices[i].bytes;
  };
  for (size_t i = 0; i < slices.size(); ++i) {
    llvm::SmallVector<size_t> under;
    llvm::copy_if(neighbours[i], std::back_inserter(under), [&](size_t other) {
      return endOf(other) <= plan.offsets[i];
    });
    llvm::SmallVector<size_t> &direct = plan.below.emplace_back();
    llvm::copy_if(under, std::back_inserter(direct), [&](size_t low) {
      return llvm::none_of(under, [&](size_t between) {
        return between != low && slices[low].isAliveWith(slices[between]) &&
               endOf(low) <= plan.offsets[between];
      });
    });
  }
}

/// The slices with the greatest key first.
static llvm::SmallVector<size_t>
orderBy(llvm::ArrayRef<WorkspaceSlice> slices,
        llvm::function_ref<int64_t(const WorkspaceSlice &)> key) {
  llvm::SmallVector<size_t> order(slices.size());
  std::iota(order.begin(), order.end(), size_t{0});
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::tuple(-key(slices[a]), -slices[a].bytes, a) <
           std::tuple(-key(slices[b]), -slices[b].bytes, b);
  });
  return order;
}

/// The best of some tries, of which each places before all others the slice
/// that reached highest in the one before.
static WorkspacePlan placeRepeatedly(llvm::ArrayRef<WorkspaceSlice> slices,
                                     const Neighbours &neighbours,
                                     llvm::MutableArrayRef<size_t> order,
                                     int64_t least) {
  constexpr int tries = 32;
  WorkspacePlan best = place(slices, neighbours, order);
  WorkspacePlan plan = best;
  for (int i = 0; i < tries && best.bytes > least; ++i) {
    auto *highest = llvm::max_element(order, [&](size_t a, size_t b) {
      return plan.offsets[a] + slices[a].bytes <
             plan.offsets[b] + slices[b].bytes;
    });
    std::rotate(order.begin(), highest, highest + 1);
    plan = place(slices, neighbours, order);
    if (plan.bytes < best.bytes) {
      best = plan;
    }
  }
  return best;
}

WorkspacePlan lpgen::planWorkspace(llvm::ArrayRef<WorkspaceSlice> slices) {
  const Neighbours neighbours = neighboursOf(slices);
  const int64_t least = mostBytesAlive(slices);
  using Slice = WorkspaceSlice;
  int64_t (*const keys[])(const Slice &) = {
      [](const Slice &slice) { return slice.bytes; },
      [](const Slice &slice) { return int64_t(slice.last - slice.first); },
      [](const Slice &slice) { return -int64_t(slice.first); },
  };
  WorkspacePlan best;
  for (const auto &key : keys) {
    llvm::SmallVector<size_t> order = orderBy(slices, key);
    WorkspacePlan plan = placeRepeatedly(slices, neighbours, order, least);
    if (best.offsets.empty() || plan.bytes < best.bytes) {
      best = std::move(plan);
    }
    if (best.bytes <= least) {
      break;
    }
  }
  findBelow(best, slices, neighbours);
  return best;
}

int64_t lpgen::mostBytesAlive(llvm::ArrayRef<WorkspaceSlice> slices) {
  // Slices begin before others of the same phase end.
  llvm::SmallVector<std::pair<size_t, int64_t>> changes;
  for (const WorkspaceSlice &slice : slices) {
    changes.push_back({slice.first, slice.bytes});
    changes.push_back({slice.last + 1, -slice.bytes});
  }
  llvm::sort(changes);
  int64_t bytes = 0;
  int64_t most = 0;
  for (const auto &[phase, change] : changes) {
    bytes += change;
    most = std::max(most, bytes);
  }
  return most;
}
