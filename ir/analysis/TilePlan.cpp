// See TilePlan.h.
#include "ir/analysis/TilePlan.h"
#include "targets/cpus/Cpus.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace lpgen;

/// The reduction as nested loops, those of one trip left out: taps first, or in
/// the order of the contraction if each step is rounded.
static llvm::SmallVector<ReductionLoop> reductionLoops(const Geometry &g,
                                                       bool isFloat) {
  llvm::SmallVector<ReductionLoop> loops;
  int64_t wSteps = g.steps;
  for (unsigned loop : g.loopsOf(LoopRole::Tap)) {
    int64_t count = g.shape.extents[loop];
    wSteps /= count;
    if (count > 1) {
      loops.push_back({count, g.xStride(loop), wSteps, static_cast<int>(loop)});
    }
  }
  if (g.groups > 1 || loops.empty()) {
    loops.push_back({g.groups, g.xLayout.getGroupBytes(), 1, -1});
  }
  if (isFloat) {
    const auto place = [&](const ReductionLoop &loop) {
      return loop.loop < 0 ? static_cast<int>(g.innerLoop) : loop.loop;
    };
    llvm::sort(loops, [&](const ReductionLoop &a, const ReductionLoop &b) {
      return place(a) < place(b);
    });
  }
  return loops;
}

llvm::SmallVector<ReductionLoop> TilePlan::loopsOf(int64_t trips,
                                                   const TilePart *part) const {
  llvm::SmallVector<ReductionLoop> result(loops);
  result[0].count = trips;
  if (part) {
    result[alongLoop].count = part->tapEnd - part->tapBegin;
  }
  for (size_t i = result.size(); --i > 0;) {
    ReductionLoop &outer = result[i - 1];
    const ReductionLoop &inner = result[i];
    if (outer.count == 1 || (outer.xStride == inner.count * inner.xStride &&
                             outer.wSteps == inner.count * inner.wSteps)) {
      outer = {outer.count * inner.count, inner.xStride, inner.wSteps,
               inner.loop};
      result.erase(result.begin() + i);
    }
  }
  if (result.size() > 1 && result.back().count == 1) {
    result.pop_back();
  }
  return result;
}

/// The parts of the tile at `position` of the rows, taps with the same rows
/// inside together.
static llvm::SmallVector<TilePart> partsAt(const BorderDim &dim,
                                           int64_t position, int64_t rows) {
  llvm::SmallVector<TilePart> parts;
  for (int64_t tap = 0; tap < dim.taps; ++tap) {
    int64_t begin = 0;
    while (begin < rows && !dim.isInside(position * rows + begin, tap)) {
      ++begin;
    }
    int64_t end = rows;
    while (end > begin && !dim.isInside(position * rows + end - 1, tap)) {
      --end;
    }
    if (begin == end) {
      continue;
    }
    if (!parts.empty() && parts.back().tapEnd == tap &&
        parts.back().rowBegin == begin && parts.back().rowEnd == end) {
      parts.back().tapEnd = tap + 1;
    } else {
      parts.push_back({begin, end, tap, tap + 1});
    }
  }
  return parts;
}

namespace {
class TilePlanner {
public:
  TilePlanner(const PackedForm &form, const CellFacts &cell, int64_t rows,
              int64_t block, const Machine &machine)
      : g(form.geometry), isFloat(cell.isFloat), rows(rows), block(block),
        l1Bytes(machine.cpu.l1Bytes) {
    const Costs &costs = machine.unit().costs;
    const CostTerms &prices = costs.prices;
    auto pairs = static_cast<double>(planePairs(form));
    const double step =
        cell.stepOps * prices.products * costs.factorOf(cell.name);
    work = pairs * static_cast<double>(g.steps) * step;
    // What comes from the second level serves all rows.
    const double transfer =
        static_cast<double>(cell.lanes * cell.wBytes()) * prices.wFromL2;
    missFactor = 1 + transfer / static_cast<double>(rows) / step;
    pieceCost = widenCost(form, cell, 1) * prices.widening +
                pairs * prices.pieces / static_cast<double>(rows);
  }

  TilePlan plan() {
    result.loops = reductionLoops(g, isFloat);
    result.strip = result.loops[0].count;
    llvm::SmallVector<unsigned> rowLoops = g.loopsOf(LoopRole::Row);
    if (!rowLoops.empty()) {
      innermost = rowLoops.back();
      result.aligned = !g.shape.isDynamic[innermost] &&
                       g.shape.extents[innermost] % rows == 0;
    }
    // In f32 a product with the halo is not always nothing: that of an infinite
    // w is a NaN, and -0 plus +0 is +0.
    leavesOut = result.aligned && !isFloat;
    if (leavesOut) {
      planAlong();
    }
    planSweeps();
    return std::move(result);
  }

private:
  const Geometry &g;
  bool isFloat;
  int64_t rows;
  int64_t block;
  int64_t l1Bytes;
  bool leavesOut = false; ///< Taps outside x.
  // In cycles, or relative to those of a step.
  double work = 0;       ///< Of one cell over all steps.
  double missFactor = 1; ///< Cost of a step with w from the second level.
  double pieceCost = 0;  ///< Of one more piece of the tile, per cell.
  unsigned innermost = 0;
  TilePlan result;

  /// Leaves out taps outside x at the ends of the innermost row loop.
  void planAlong() {
    for (const BorderDim &dim : g.borderDims()) {
      auto *at = llvm::find_if(result.loops, [&](const ReductionLoop &loop) {
        return loop.loop == static_cast<int>(dim.tapLoop);
      });
      if (dim.rowLoop != innermost || at == result.loops.end()) {
        continue;
      }
      llvm::SmallVector<llvm::SmallVector<TilePart>> classes;
      llvm::SmallVector<int32_t> classOf;
      double done = 0;
      double pieces = 0;
      int64_t positions = dim.rows / rows;
      for (int64_t position = 0; position < positions; ++position) {
        auto parts = partsAt(dim, position, rows);
        auto *known = llvm::find(classes, parts);
        classOf.push_back(static_cast<int32_t>(known - classes.begin()));
        for (const TilePart &part : parts) {
          done += static_cast<double>((part.rowEnd - part.rowBegin) *
                                      (part.tapEnd - part.tapBegin));
        }
        pieces += static_cast<double>(parts.size());
        if (known == classes.end()) {
          classes.push_back(std::move(parts));
        }
      }
      double fraction = done / static_cast<double>(dim.rows * dim.taps);
      pieces /= static_cast<double>(positions);
      // More classes than left, middle and right are not worth their code.
      if (classes.size() <= 3 && work * (1 - fraction) > pieceCost * pieces) {
        result.along = dim;
        result.alongLoop = at - result.loops.begin();
        result.classes = std::move(classes);
        result.classOf = std::move(classOf);
        result.stepFraction = fraction;
        result.piecesPerTile = pieces;
        return;
      }
    }
  }

  /// Cuts loops[0] into sweeps, so that a slice of the panel of w stays in
  /// cache or whole sweeps can be left out.
  void planSweeps() {
    if (result.along && result.alongLoop == 0) {
      return; // its parts already cut loops[0]
    }
    int64_t count = result.loops[0].count;
    // With one tile of rows, w is read once and from further away.
    bool fits =
        g.panelBytes <= l1Bytes * 3 / 4 && g.extentOf(LoopRole::Row) > rows;
    result.findsW = fits;
    double best = work * result.stepFraction * (fits ? 1 : missFactor);
    double wholeFraction = result.stepFraction;
    auto consider = [&](int64_t strip, double fraction,
                        std::optional<BorderDim> across) {
      double sweeps =
          static_cast<double>(llvm::divideCeil(count, strip)) * fraction;
      double extra = result.piecesPerTile * (sweeps - 1) + 1;
      bool slices = g.panelBytes / count * strip <= l1Bytes * 3 / 4;
      double factor = slices ? 1 : missFactor;
      double cost =
          work * wholeFraction * fraction * factor + pieceCost * extra;
      if (cost < best) {
        best = cost;
        result.findsW = slices;
        result.strip = strip;
        result.across = across;
        result.stepFraction = wholeFraction * fraction;
      }
    };
    if (!fits && block > 1) {
      int64_t most = std::max<int64_t>(1, l1Bytes / 2 * count / g.panelBytes);
      int64_t pieces = llvm::divideCeil(count, most);
      consider(llvm::divideCeil(count, pieces), 1, std::nullopt);
    }
    for (const BorderDim &dim : g.borderDims()) {
      if (leavesOut && dim.rowLoop != innermost &&
          result.loops[0].loop == static_cast<int>(dim.tapLoop)) {
        consider(1, insideFraction(dim), dim);
      }
    }
    result.piecesPerTile *= static_cast<double>(result.sweeps());
  }

  static double insideFraction(const BorderDim &dim) {
    int64_t inside = 0;
    for (int64_t row = 0; row < dim.rows; ++row) {
      for (int64_t tap = 0; tap < dim.taps; ++tap) {
        inside += dim.isInside(row, tap);
      }
    }
    return static_cast<double>(inside) /
           static_cast<double>(dim.rows * dim.taps);
  }
};
} // namespace

double lpgen::widenCost(const PackedForm &form, const CellFacts &cell,
                        double steps) {
  auto pairs = static_cast<double>(planePairs(form));
  double chunks = std::ceil(steps / static_cast<double>(form.chunk));
  // Widen; load, add, store vectors of i32; multiply by the coefficients of
  // several planes.
  auto vectors = static_cast<double>(cell.lanes * cell.rows) / 8;
  double wide = cell.widenOps + (pairs > 1 ? 5 : 3) * vectors;
  if (!needsHalves(form, cell, static_cast<int64_t>(steps))) {
    return pairs * chunks * wide;
  }
  constexpr double half = 6; // two 16-bit vectors: load, add, store
  return pairs * (chunks * half + wide);
}

TilePlan lpgen::planTile(const PackedForm &form, const CellFacts &cell,
                         int64_t rows, int64_t block, const Machine &machine) {
  return TilePlanner(form, cell, rows, block, machine).plan();
}
