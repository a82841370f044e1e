// The geometry of a contraction seen as a GEMM. See Geometry.h.
#include "ir/analysis/Geometry.h"
#include "ir/dialect/Bounds.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;

SmallVector<int64_t> lpgen::boundedExtents(ArrayRef<int64_t> extents,
                                           ValueRange dynamic) {
  SmallVector<int64_t> bounded(extents);
  unsigned next = 0;
  for (int64_t &extent : bounded) {
    if (ShapedType::isDynamic(extent)) {
      extent = lp::KernelOp::boundOf(dynamic[next++]).value_or(0);
    }
  }
  return bounded;
}

//===----------------------------------------------------------------------===//
// Reading ops
//===----------------------------------------------------------------------===//

template <typename OpTy>
static ContractShape shapeOf(OpTy op) {
  ContractShape shape;
  shape.extents = boundedExtents(op.getExtents(), op.getDynamicExtents());
  for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
    shape.isDynamic.push_back(ShapedType::isDynamic(op.getExtents()[loop]));
    shape.sizes.push_back(
        lp::extentAt(op.getExtents(), op.getDynamicExtents(), loop).value);
  }
  shape.groups = op.numGroups();
  shape.parallel = op.getParallel() + shape.groups;
  shape.xMap = op.getXMap();
  shape.wMap = op.getWMap();
  shape.xShape.assign(op.getXShape().begin(), op.getXShape().end());
  for (int64_t dim : op.getXShape()) {
    shape.isXDynamic.push_back(ShapedType::isDynamic(dim));
  }
  shape.wShape.assign(op.getWShape().begin(), op.getWShape().end());
  // A dynamic dimension is as long as the loop that subscripts it alone.
  auto bound = [&](SmallVectorImpl<int64_t> &dims, AffineMap map) {
    for (auto [dim, expr] : llvm::zip_equal(dims, map.getResults())) {
      if (!ShapedType::isDynamic(dim)) {
        continue;
      }
      dim = 1;
      expr.walk([&](AffineExpr e) {
        if (auto loop = dyn_cast<AffineDimExpr>(e)) {
          dim = std::max(dim, shape.extents[loop.getPosition()]);
        }
      });
    }
  };
  bound(shape.xShape, shape.xMap);
  bound(shape.wShape, shape.wMap);
  return shape;
}

ContractShape ContractShape::of(lp::ContractOp op) { return shapeOf(op); }
ContractShape ContractShape::of(lp::PackOp op) {
  ContractShape shape = shapeOf(op);
  shape.mergesTaps = op.getMergesTaps();
  shape.storesPadding = op.getStoresPadding();
  return shape;
}

/// Coefficients of the loops in an affine expression without divisions, and its
/// constant.
static int64_t flatten(AffineExpr expr,
                       SmallVectorImpl<int64_t> &coefficients) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    return constant.getValue();
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += 1;
    return 0;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Add) {
    return flatten(binary.getLHS(), coefficients) +
           flatten(binary.getRHS(), coefficients);
  }
  int64_t factor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  SmallVector<int64_t> inner(coefficients.size());
  int64_t constant = flatten(binary.getLHS(), inner);
  for (auto [to, from] : llvm::zip_equal(coefficients, inner)) {
    to += from * factor;
  }
  return constant * factor;
}

Subscript lpgen::subscriptOf(const ContractShape &shape, unsigned dim) {
  Subscript s{SmallVector<int64_t>(shape.extents.size()), 0};
  s.constant = flatten(shape.xMap.getResult(dim), s.coefficients);
  return s;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

SmallVector<unsigned> Geometry::loopsOf(LoopRole role) const {
  SmallVector<unsigned> loops;
  for (auto [i, r] : llvm::enumerate(roles)) {
    if (r == role) {
      loops.push_back(i);
    }
  }
  return loops;
}

int64_t Geometry::extentOf(LoopRole role) const {
  int64_t product = 1;
  for (unsigned loop : loopsOf(role)) {
    product *= shape.extents[loop];
  }
  return product;
}

/// The least and greatest value of a subscript.
static std::pair<int64_t, int64_t> rangeOf(const ContractShape &shape,
                                           const Subscript &s) {
  int64_t low = s.constant;
  int64_t high = s.constant;
  for (auto [loop, c] : llvm::enumerate(s.coefficients)) {
    (c < 0 ? low : high) += c * (shape.extents[loop] - 1);
  }
  return {low, high};
}

/// True if some value of the subscript of dimension `d` of x can lie outside,
/// whatever the run-time sizes are.
static bool canBeOutside(const ContractShape &shape, unsigned d) {
  if (shape.isXDynamic[d]) {
    // Only a bare index of run-time extent has the extent of the dimension.
    auto bare = dyn_cast<AffineDimExpr>(shape.xMap.getResult(d));
    return !bare || !shape.isDynamic[bare.getPosition()];
  }
  auto [low, high] = rangeOf(shape, subscriptOf(shape, d));
  return low < 0 || high >= shape.xShape[d];
}

/// True if a loop subscripts w, or has one trip.
static bool isInW(const ContractShape &shape, unsigned loop) {
  return shape.wMap.isFunctionOfDim(loop) || shape.extents[loop] == 1;
}

/// The dimension of x whose only reduction loop stands there with coefficient 1
/// and nowhere else: what can be packed. Packed groups have no halo, so no read
/// may be outside there. The last such dimension is nearest in memory.
static std::optional<std::pair<unsigned, unsigned>>
findInner(const ContractShape &shape) {
  for (unsigned d = shape.xShape.size(); d-- > 0;) {
    Subscript s = subscriptOf(shape, d);
    std::optional<unsigned> inner;
    bool plain = s.constant == 0;
    for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
      if (!s.uses(loop)) {
        continue;
      }
      bool inW = shape.wMap.isFunctionOfDim(loop);
      if (loop >= shape.parallel) {
        plain &= !inner && s.coefficients[loop] == 1;
        inner = loop;
      } else {
        plain &= inW; // a batch or a group loop
      }
    }
    if (!plain || !inner || shape.isDynamic[*inner] || canBeOutside(shape, d)) {
      continue;
    }
    bool elsewhere = false;
    for (unsigned other = 0; other < shape.xShape.size(); ++other) {
      elsewhere |= other != d && subscriptOf(shape, other).uses(*inner);
    }
    if (!elsewhere && isInW(shape, *inner)) {
      return std::pair{d, *inner};
    }
  }
  return std::nullopt;
}

static bool assignRoles(Geometry &g, std::string &reason) {
  for (unsigned loop = 0; loop < g.shape.extents.size(); ++loop) {
    bool inX = g.shape.xMap.isFunctionOfDim(loop);
    bool inW = g.shape.wMap.isFunctionOfDim(loop);
    if (loop >= g.shape.parallel) {
      if (!inX || !isInW(g.shape, loop)) {
        reason = "a reduction loop subscripts only one operand";
        return false;
      }
      if (g.shape.isDynamic[loop]) {
        reason = "a reduction loop has a run-time extent";
        return false;
      }
      g.roles.push_back(loop == g.innerLoop ? LoopRole::Inner : LoopRole::Tap);
      continue;
    }
    if (g.shape.isDynamic[loop] && inW) {
      reason = "a loop of w has a run-time extent";
      return false;
    }
    if (loop >= g.shape.parallel - g.shape.groups) {
      g.roles.push_back(LoopRole::Group); // lp.contract has it in x and w
      continue;
    }
    g.roles.push_back(inX && inW ? LoopRole::Batch
                      : inX      ? LoopRole::Row
                                 : LoopRole::Column);
  }
  return true;
}

/// Elements of packed x and w stay far from overflow, halo and groups included.
static bool fitsMemory(const Geometry &g) {
  constexpr int64_t most = int64_t{1} << 40;
  auto isWithin = [](ArrayRef<int64_t> factors) {
    int64_t product = 1;
    return llvm::all_of(factors, [&](int64_t factor) {
      return factor >= 1 && !llvm::MulOverflow(product, factor, product) &&
             product <= most;
    });
  };
  SmallVector<int64_t> ofX = {g.innerExtent()};
  for (auto [loop, coefficient] : g.innerBatch) {
    ofX.push_back(g.shape.extents[loop]);
  }
  for (const PositionDim &position : g.positions) {
    ofX.push_back(position.size);
  }
  SmallVector<int64_t> ofW;
  SmallVector<int64_t> rows;
  for (auto [role, extent] : llvm::zip_equal(g.roles, g.shape.extents)) {
    (role == LoopRole::Row ? rows : ofW).push_back(extent);
  }
  return isWithin(ofX) && isWithin(ofW) && isWithin(rows);
}

std::optional<Geometry> Geometry::analyze(const ContractShape &shape,
                                          std::string &reason) {
  Geometry g;
  g.shape = shape;
  auto inner = findInner(shape);
  if (!inner) {
    reason = "no dimension of x is a plain reduction, so nothing can be packed";
    return std::nullopt;
  }
  std::tie(g.innerXDim, g.innerLoop) = *inner;
  if (!assignRoles(g, reason)) {
    return std::nullopt;
  }
  for (unsigned d = 0; d < shape.xShape.size(); ++d) {
    Subscript s = subscriptOf(shape, d);
    if (d == g.innerXDim) {
      for (unsigned loop = 0; loop < shape.extents.size(); ++loop) {
        if (s.uses(loop) && loop != g.innerLoop) {
          g.innerBatch.push_back({loop, s.coefficients[loop]});
        }
      }
      continue;
    }
    auto [low, high] = rangeOf(shape, s);
    PositionDim position{d, low, high - low + 1, 0, canBeOutside(shape, d)};
    g.positions.push_back(position);
  }
  if (!fitsMemory(g)) {
    reason = "packed operands would have more than 2^40 elements";
    return std::nullopt;
  }
  if (shape.mergesTaps && !g.mergeTaps()) {
    reason = "its taps do not lie side by side in x";
    return std::nullopt;
  }
  return g;
}

/// The tap that alone subscripts dimension `d` of x among the reductions, with
/// coefficient 1, and no other dimension.
static std::optional<unsigned> tapOf(const Geometry &g, unsigned d) {
  const Subscript s = subscriptOf(g.shape, d);
  std::optional<unsigned> tap;
  for (unsigned loop = 0; loop < g.shape.extents.size(); ++loop) {
    if (!s.uses(loop) || g.roles[loop] == LoopRole::Row) {
      continue;
    }
    if (tap || g.roles[loop] != LoopRole::Tap || s.coefficients[loop] != 1) {
      return std::nullopt;
    }
    tap = loop;
  }
  for (unsigned other = 0; tap && other < g.shape.xShape.size(); ++other) {
    if (other != d && subscriptOf(g.shape, other).uses(*tap)) {
      return std::nullopt;
    }
  }
  return tap;
}

bool Geometry::mergeTaps() {
  const auto last = static_cast<unsigned>(shape.xShape.size()) - 1;
  if (last == 0 || innerXDim != last || !innerBatch.empty() ||
      shape.extents[innerLoop] != shape.xShape[last] ||
      shape.isXDynamic[last - 1] || positions.back().xDim != last - 1) {
    return false;
  }
  const std::optional<unsigned> tap = tapOf(*this, last - 1);
  if (!tap || subscriptOf(shape, last).constant != 0) {
    return false;
  }
  merged = MergedTap{*tap, positions.pop_back_val()};
  roles[*tap] = LoopRole::Inner;
  shape.mergesTaps = true;
  return true;
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

void Geometry::setLayouts(lp::LayoutAttr x, lp::LayoutAttr w) {
  xLayout = x;
  wLayout = w;
  groups = x.groupsFor(innerExtent());
  runBytes = x.groupsFor(runExtent()) * x.getGroupBytes();
  if (merged) {
    merged->row.stride =
        shape.extents[innerLoop] * x.getGroupBytes() / x.getGroup();
  }
  int64_t bytes = runBytes;
  for (auto [loop, coefficient] : innerBatch) {
    bytes *= shape.extents[loop];
  }
  for (PositionDim &position : llvm::reverse(positions)) {
    position.stride = bytes;
    bytes *= position.size;
  }
  // Vector loads of the last groups may run past the end of a plane.
  xPlaneBytes = llvm::alignTo(bytes, 64);
  xBytes = xPlaneBytes * x.getPlanes();
  if (x.getSums()) {
    xBytes += llvm::alignTo(bytes / runBytes * 4, 64);
  }
  xBytes += 64;

  steps = extentOf(LoopRole::Tap) * groups;
  stepBytes = w.getLanes() * w.getGroupBytes();
  wPlaneBytes = steps * stepBytes;
  panelBytes = wPlaneBytes * w.getPlanes();
  panels = llvm::divideCeil(extentOf(LoopRole::Column), w.getLanes());
  wTableOffset =
      kPackedHeaderBytes + llvm::alignTo(panelCount() * panelBytes, 64);
  wBytes = wTableOffset;
  if (w.getSums()) {
    wBytes += llvm::alignTo(
        panelCount() * (classes.count() + 1) * w.getLanes() * 4, 64);
  }
}

int64_t Geometry::columnBytes() const {
  return kPackedHeaderBytes +
         llvm::alignTo(panelCount() * wLayout.getLanes() * 4, 64);
}

int64_t Geometry::xStride(unsigned loop) const {
  if (loop == innerLoop) {
    return xLayout.getGroupBytes();
  }
  int64_t stride = 0;
  for (const PositionDim &position : positions) {
    Subscript s = subscriptOf(shape, position.xDim);
    stride += s.coefficients[loop] * position.stride;
  }
  if (merged) {
    stride += subscriptOf(shape, merged->row.xDim).coefficients[loop] *
              merged->row.stride;
  }
  int64_t batchStride = runBytes;
  for (auto [batch, coefficient] : llvm::reverse(innerBatch)) {
    if (batch == loop) {
      stride += batchStride;
    }
    batchStride *= shape.extents[batch];
  }
  return stride;
}

int64_t Geometry::xOrigin() const {
  int64_t origin = 0;
  for (const PositionDim &position : positions) {
    Subscript s = subscriptOf(shape, position.xDim);
    origin += (s.constant - position.low) * position.stride;
  }
  if (merged) {
    const Subscript s = subscriptOf(shape, merged->row.xDim);
    origin += (s.constant - merged->row.low) * merged->row.stride;
  }
  return origin;
}
