// Which cells and schedules are tried for a target. See Operators.h.
#include "tests/differential/Operators.h"
#include "targets/Cell.h"
#include "tests/differential/Legality.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Triple.h"

namespace lpgen::difftest {

std::vector<const Cell *> cellsOf(const Target &target) {
  std::vector<const Cell *> cells;
  for (const Cell *cell : target.cells()) {
    const Target *first =
        *llvm::find_if(allTargets(), [&](const Target *other) {
          return llvm::is_contained(other->cells(), cell);
        });
    if (first == &target) {
      cells.push_back(cell);
    }
  }
  return cells;
}

static llvm::Triple::ArchType archOf(const Target &target) {
  return llvm::Triple(target.desc().triple).getArch();
}

bool isTestedBefore(const Cell &cell, const Target &target) {
  for (const Target *before : allTargets()) {
    if (before == &target) {
      return false;
    }
    // Cells of two architectures share names, but no code.
    if (archOf(*before) == archOf(target) &&
        llvm::any_of(before->cells(), [&](const Cell *other) {
          return other->facts().name == cell.facts().name;
        })) {
      return true;
    }
  }
  return false;
}

bool isLevel(const Target &target) {
  return llvm::any_of(target.cells(), [&](const Cell *cell) {
    return isTestedBefore(*cell, target);
  });
}

size_t thinning(const Target &target) {
  return isLevel(target) && !fullRun() ? 3 : 1;
}

std::vector<std::string> schedulesOf(const Target &target) {
  std::vector<std::string> schedules = {"", "direct"};
  for (const Cell *cell : cellsOf(target)) {
    if (!cell->facts().isFloat) {
      schedules.push_back(
          (cell->facts().templateName + "<cell=" + cell->facts().name + ">")
              .str());
    }
  }
  return schedules;
}

std::string withTile(const std::string &schedule, size_t tile) {
  static const char *const fields[numTiles] = {
      "", ",tile=[1,1],unroll=1,block=1", ",tile=[3,2],unroll=3,block=2"};
  if (schedule.empty() || schedule.back() != '>') {
    return schedule;
  }
  return schedule.substr(0, schedule.size() - 1) + fields[tile] + ">";
}

std::string withFittingTile(const Target &target, const std::string &schedule,
                            size_t tile) {
  std::string request = withTile(schedule, tile % numTiles);
  // The cost model's own (0) always fits.
  while (!fitsRegisters(target, request)) {
    request = withTile(schedule, ++tile % numTiles);
  }
  return request;
}

std::string plainGemm(const std::string &name, ElementType x, ElementType w,
                      int64_t m, int64_t n, int64_t k,
                      const std::string &sums) {
  return llvm::formatv("op {0}(x: {1}[{2}, {4}], w: {5}[{3}, {4}])"
                       " -> (y: {6}[{2}, {3}]) {{\n"
                       "  y[i,j] = sum(k) x[i,k] * w[j,k]\n}\n",
                       name, x.str(), m, n, k, w.str(),
                       x.isFloat() ? "f32" : sums);
}

} // namespace lpgen::difftest
