// lp-vectorize-elementwise: loops whose trips are independent, as vector code.
//
// Such loops walk along the innermost dimension of what they read and write:
// the columns of an epilogue, the channels of a pooling or a depthwise
// convolution, whose reduction is a loop inside. LLVM's vectorizer takes no
// loops with loops inside, and short ones it unrolls first and leaves scalar.
#include "compiler/passes/Emitter.h"
#include "ir/analysis/PackedForm.h"
#include "ir/dialect/Bounds.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "targets/ByteLookup.h"

namespace lpgen {
#define GEN_PASS_DEF_VECTORIZEELEMENTWISEPASS
#include "compiler/passes/Passes.h.inc"
} // namespace lpgen

using namespace mlir;
using namespace lpgen;

namespace {

/// Rewrites the body of one loop for `width` trips at once.
class BodyVectorizer {
public:
  BodyVectorizer(scf::ForOp from, scf::ForOp to, int64_t width,
                 const TargetDesc *target)
      : from(from), b(to.getBody(), std::prev(to.getBody()->end())),
        width(width), target(target) {
    scalars.map(from.getInductionVar(), to.getInductionVar());
    consecutive.insert(from.getInductionVar());
  }

  /// False if something has no vector form; `to` is then useless.
  bool run() { return translate(*from.getBody()) && !first; }

private:
  bool isVector(Value v) const { return vectors.contains(v); }
  bool isInvariant(Value v) const {
    return !isVector(v) && !consecutive.contains(v);
  }

  VectorType vectorOf(mlir::Type element) const {
    return VectorType::get({width}, element);
  }

  /// `v` in every lane, or its vector.
  Value lanesOf(Value v) {
    auto found = vectors.find(v);
    return found != vectors.end()
               ? found->second
               : vector::BroadcastOp::create(b, v.getLoc(),
                                             vectorOf(v.getType()),
                                             scalars.lookupOrDefault(v))
                     .getResult();
  }

  /// Positions of which only the innermost moves, by one element each trip.
  bool areConsecutive(MemRefType type, ValueRange indices) const {
    return !indices.empty() && consecutive.contains(indices.back()) &&
           type.areTrailingDimsContiguous(1) &&
           llvm::all_of(indices.drop_back(),
                        [&](Value v) { return isInvariant(v); });
  }

  /// Positions in pairs of elements, of which the number of the pair grows by
  /// one each trip: that in the pair, 0 or 1.
  std::optional<int64_t> placeInPair(MemRefType type,
                                     ValueRange indices) const {
    const bool isPair = indices.size() > 1 && type.getShape().back() == 2 &&
                        type.areTrailingDimsContiguous(2) &&
                        consecutive.contains(indices[indices.size() - 2]) &&
                        llvm::all_of(indices.drop_back(2),
                                     [&](Value v) { return isInvariant(v); });
    return isPair ? getConstantIntValue(indices.back()) : std::nullopt;
  }

  /// The memory with its pairs as one dimension, and where those of the trip
  /// begin.
  std::pair<Value, SmallVector<Value>> pairsAt(Location loc, Value memory,
                                               ValueRange indices) {
    const unsigned last = unsigned(indices.size()) - 1;
    SmallVector<ReassociationIndices> groups;
    for (unsigned d = 0; d < last; ++d) {
      groups.push_back({int64_t(d)});
    }
    groups.back().push_back(last);
    SmallVector<Value> at = scalarsOf(indices.drop_back());
    at.back() = arith::MulIOp::create(
        b, loc, at.back(), arith::ConstantIndexOp::create(b, loc, 2));
    return {memref::CollapseShapeOp::create(
                b, loc, scalars.lookupOrDefault(memory), groups),
            at};
  }

  SmallVector<Value> scalarsOf(ValueRange values) const {
    return llvm::map_to_vector(
        values, [&](Value v) { return scalars.lookupOrDefault(v); });
  }

  bool translate(Block &block) {
    return llvm::all_of(block.without_terminator(),
                        [&](Operation &op) { return translate(op); });
  }

  bool translate(Operation &op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      return translate(loop);
    }
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      return translate(branch);
    }
    if (op.getNumRegions() != 0) {
      return false;
    }
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      return translate(store);
    }
    auto load = dyn_cast<memref::LoadOp>(op);
    if (!load && !isPure(&op)) {
      return false;
    }
    if (llvm::all_of(op.getOperands(),
                     [&](Value v) { return isInvariant(v); })) {
      b.clone(op, scalars);
      return true;
    }
    auto byte = dyn_cast<arith::TruncIOp>(op);
    if (byte && translateRounded(byte)) {
      return true;
    }
    return load ? translate(load) : isOffset(op) ? offset(op) : elementwise(op);
  }

  /// The body of `region` at the end of `block`, yielding vectors.
  bool translateInto(Block *block, Block &body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    if (!translate(body)) {
      return false;
    }
    SmallVector<Value> yielded =
        llvm::map_to_vector(body.getTerminator()->getOperands(),
                            [&](Value v) { return lanesOf(v); });
    scf::YieldOp::create(b, body.getTerminator()->getLoc(), yielded);
    return true;
  }

  /// A loop whose trips are the same in all lanes: it carries vectors.
  bool translate(scf::ForOp loop) {
    auto bounds = loop->getOperands().take_front(loop.getNumControlOperands());
    if (!llvm::all_of(bounds, [&](Value v) { return isInvariant(v); }) ||
        !areElements(loop.getResultTypes())) {
      return false;
    }
    SmallVector<Value> starts = llvm::map_to_vector(
        loop.getInitArgs(), [&](Value v) { return lanesOf(v); });
    SmallVector<Value> range = scalarsOf(bounds);
    auto made = scf::ForOp::create(b, loop.getLoc(), range[0], range[1],
                                   range[2], starts);
    if (starts.empty()) {
      made.getBody()->getTerminator()->erase();
    }
    scalars.map(loop.getInductionVar(), made.getInductionVar());
    setVectors(loop.getRegionIterArgs(), made.getRegionIterArgs());
    setVectors(loop.getResults(), made.getResults());
    return translateInto(made.getBody(), *loop.getBody());
  }

  /// A branch that all lanes take.
  bool translate(scf::IfOp branch) {
    if (!isInvariant(branch.getCondition()) ||
        !areElements(branch.getResultTypes())) {
      return false;
    }
    SmallVector<mlir::Type> types = llvm::map_to_vector(
        branch.getResultTypes(),
        [&](mlir::Type type) -> mlir::Type { return vectorOf(type); });
    auto made =
        scf::IfOp::create(b, branch.getLoc(), types,
                          scalars.lookupOrDefault(branch.getCondition()),
                          /*addThenBlock=*/true,
                          /*addElseBlock=*/!branch.getElseRegion().empty());
    setVectors(branch.getResults(), made.getResults());
    for (auto [from, to] :
         llvm::zip_equal(branch->getRegions(), made->getRegions())) {
      if (!from.empty() && !translateInto(&to.front(), from.front())) {
        return false;
      }
    }
    return true;
  }

  static bool areElements(mlir::TypeRange types) {
    return llvm::all_of(types,
                        [](mlir::Type type) { return type.isIntOrFloat(); });
  }

  void setVectors(ValueRange from, ValueRange to) {
    for (auto [scalar, vector] : llvm::zip_equal(from, to)) {
      vectors[scalar] = vector;
    }
  }

  bool translate(memref::LoadOp load) {
    if (!areConsecutive(load.getMemRefType(), load.getIndices())) {
      return translatePair(load) || translateLookup(load);
    }
    vectors[load] =
        vector::LoadOp::create(b, load.getLoc(), vectorOf(load.getType()),
                               scalars.lookupOrDefault(load.getMemRef()),
                               scalarsOf(load.getIndices()));
    return true;
  }

  /// The first or the second element of each pair.
  bool translatePair(memref::LoadOp load) {
    auto place = placeInPair(load.getMemRefType(), load.getIndices());
    if (!place) {
      return false;
    }
    auto [memory, at] =
        pairsAt(load.getLoc(), load.getMemRef(), load.getIndices());
    Value both = vector::LoadOp::create(
        b, load.getLoc(), VectorType::get({2 * width}, load.getType()), memory,
        at);
    vectors[load] = vector::DeinterleaveOp::create(b, load.getLoc(), both)
                        ->getResult(unsigned(*place));
    return true;
  }

  /// An element of a small table of bytes, chosen by data.
  bool translateLookup(memref::LoadOp load) {
    MemRefType table = load.getMemRefType();
    Operation *cast = load.getIndices().empty()
                          ? nullptr
                          : load.getIndices().back().getDefiningOp();
    if (!target || !target->lookUpBytes || table.getRank() != 1 ||
        !table.getLayout().isIdentity() || !table.hasStaticShape() ||
        !table.getElementType().isInteger(8) ||
        !isByteTable(table.getNumElements()) ||
        !isa_and_present<arith::IndexCastOp, arith::IndexCastUIOp>(cast) ||
        !isVector(cast->getOperand(0))) {
      return false;
    }
    Location loc = load.getLoc();
    Value indices = lanesOf(cast->getOperand(0));
    if (cast->getOperand(0).getType() != b.getI8Type()) {
      indices =
          arith::TruncIOp::create(b, loc, vectorOf(b.getI8Type()), indices);
    }
    // Fewer than a register holds: the others do not count.
    if (width < kLeastIndices) {
      SmallVector<int64_t> all(kLeastIndices);
      for (int64_t i = 0; i < kLeastIndices; ++i) {
        all[i] = i % width;
      }
      indices = vector::ShuffleOp::create(b, loc, indices, indices, all);
    }
    Value found = target->lookUpBytes(
        b, loc, scalars.lookupOrDefault(load.getMemRef()), indices);
    vectors[load] = width < kLeastIndices
                        ? vector::ExtractStridedSliceOp::create(
                              b, loc, found, ArrayRef<int64_t>{0},
                              ArrayRef<int64_t>{width}, ArrayRef<int64_t>{1})
                              .getResult()
                        : found;
    return true;
  }

  bool translate(memref::StoreOp store) {
    if (!areConsecutive(store.getMemRefType(), store.getIndices())) {
      return translatePair(store);
    }
    vector::StoreOp::create(b, store.getLoc(), lanesOf(store.getValue()),
                            scalars.lookupOrDefault(store.getMemRef()),
                            scalarsOf(store.getIndices()));
    return true;
  }

  /// First elements of pairs, which wait for the second ones.
  bool translatePair(memref::StoreOp store) {
    auto place = placeInPair(store.getMemRefType(), store.getIndices());
    if (!place || (*place == 0) != !first) {
      return false;
    }
    if (*place == 0) {
      first = store;
      return true;
    }
    if (first.getMemRef() != store.getMemRef() ||
        first.getIndices().drop_back() != store.getIndices().drop_back()) {
      return false;
    }
    Value both = vector::InterleaveOp::create(b, store.getLoc(),
                                              lanesOf(first.getValue()),
                                              lanesOf(store.getValue()));
    auto [memory, at] =
        pairsAt(store.getLoc(), store.getMemRef(), store.getIndices());
    vector::StoreOp::create(b, store.getLoc(), both, memory, at);
    first = {};
    return true;
  }

  /// An f32 that is stored as an unsigned byte: what lp-lower-scalars makes of
  /// it, where the target has something better.
  bool translateRounded(arith::TruncIOp byte) {
    auto rounded = byte.getIn().getDefiningOp<LLVM::LrintOp>();
    const bool isUnsigned = bitEnumContainsAny(
        byte.getOverflowFlags(), arith::IntegerOverflowFlags::nuw);
    if (!target || !target->roundToBytes || !rounded || !isUnsigned ||
        !byte.getType().isInteger(8)) {
      return false;
    }
    // select (value < high), value, high, and below that the same with > -0.0.
    const auto boundOf = [](Value clamped, arith::CmpFPredicate predicate) {
      auto select = clamped.getDefiningOp<arith::SelectOp>();
      auto keep = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                         : arith::CmpFOp();
      return keep && keep.getPredicate() == predicate &&
                     keep.getLhs() == select.getTrueValue() &&
                     keep.getRhs() == select.getFalseValue()
                 ? select
                 : arith::SelectOp();
    };
    auto upper = boundOf(rounded.getVal(), arith::CmpFPredicate::OLT);
    auto lower = upper
                     ? boundOf(upper.getTrueValue(), arith::CmpFPredicate::OGT)
                     : arith::SelectOp();
    if (!lower || !matchPattern(lower.getFalseValue(), m_AnyZeroFloat())) {
      return false;
    }
    Value bytes =
        target->roundToBytes(b, byte.getLoc(), lanesOf(lower.getTrueValue()),
                             lanesOf(upper.getFalseValue()));
    if (bytes) {
      vectors[byte] = bytes;
    }
    return bytes != nullptr;
  }

  /// d0 + constant
  static bool isMovedBy1(AffineExpr expr) {
    const auto form = lp::linearForm(expr, 1);
    return form && form->coefficients[0] == 1;
  }

  /// A position plus or minus what does not change.
  bool isOffset(Operation &op) const {
    if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
      AffineMap map = apply.getAffineMap();
      return map.getNumDims() == 1 && map.getNumSymbols() == 0 &&
             consecutive.contains(apply.getMapOperands()[0]) &&
             isMovedBy1(map.getResult(0));
    }
    if (!isa<arith::AddIOp, arith::SubIOp>(op)) {
      return false;
    }
    Value lhs = op.getOperand(0);
    Value rhs = op.getOperand(1);
    return (consecutive.contains(lhs) && isInvariant(rhs)) ||
           (isa<arith::AddIOp>(op) && isInvariant(lhs) &&
            consecutive.contains(rhs));
  }

  bool offset(Operation &op) {
    b.clone(op, scalars);
    consecutive.insert(op.getResult(0));
    return true;
  }

  bool elementwise(Operation &op) {
    // An operation of LLVM's has no such trait.
    if ((!OpTrait::hasElementwiseMappableTraits(&op) &&
         !isa<LLVM::LrintOp>(op)) ||
        op.getNumResults() != 1 || llvm::any_of(op.getOperands(), [&](Value v) {
          return consecutive.contains(v);
        })) {
      return false;
    }
    SmallVector<Value> operands = llvm::map_to_vector(
        op.getOperands(), [&](Value v) { return lanesOf(v); });
    Operation *made =
        b.create(op.getLoc(), op.getName().getIdentifier(), operands,
                 vectorOf(op.getResult(0).getType()), op.getAttrs());
    vectors[op.getResult(0)] = made->getResult(0);
    return true;
  }

  scf::ForOp from;
  OpBuilder b;
  int64_t width;
  const TargetDesc *target; ///< Null if it is not known.
  IRMapping scalars;
  llvm::DenseSet<Value> consecutive; ///< Positions that grow by 1 each trip.
  llvm::DenseMap<Value, Value> vectors;
  memref::StoreOp first; ///< Of a pair, whose second element has not come yet.
};

/// Fewer trips at once are not worth a vector.
constexpr int64_t fewestTrips = 4;

/// Trips at once, so that the narrowest elements in memory fill a vector of
/// `vectorBits`, or as much of it as there are trips; 0 if they are too few.
/// Elements of 64 bits would need too many registers then.
int64_t chooseWidth(scf::ForOp loop, int64_t vectorBits) {
  int64_t narrow = 32;
  bool isWide = false;
  auto isStoredAs = [&](mlir::Type type) {
    narrow = std::min<int64_t>(narrow, type.getIntOrFloatBitWidth());
  };
  loop.getBody()->walk([&](Operation *op) {
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      isStoredAs(store.getValue().getType());
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      isStoredAs(load.getType());
    }
    for (mlir::Type type : op->getResultTypes()) {
      isWide |= type.isIntOrFloat() && type.getIntOrFloatBitWidth() > 32;
    }
  });
  int64_t least = vectorBits / 32;
  std::optional<llvm::APInt> trips = loop.getStaticTripCount();
  if (!trips) {
    return least;
  }
  const int64_t count = trips->getSExtValue();
  while (least > count) {
    least /= 2;
  }
  if (least < fewestTrips) {
    return 0;
  }
  if (isWide) {
    return least;
  }
  int64_t width = vectorBits / narrow;
  while (width > least && count % width != 0) {
    width /= 2;
  }
  return width;
}

void vectorize(scf::ForOp loop, int64_t width, const TargetDesc *target) {
  const std::optional<llvm::APInt> count = loop.getStaticTripCount();
  OpBuilder builder(loop);
  Emitter e(builder, loop.getLoc());
  Value low = loop.getLowerBound();
  Value trips = e.sub(loop.getUpperBound(), low);
  Value whole =
      e.mul(builder.createOrFold<arith::DivUIOp>(e.loc, trips, e.index(width)),
            e.index(width));
  Value middle = e.add(low, whole);
  auto wide = scf::ForOp::create(builder, e.loc, low, middle, e.index(width));
  if (!BodyVectorizer(loop, wide, width, target).run()) {
    wide.erase();
    return;
  }
  const int64_t rest = count ? int64_t(count->urem(width)) : width;
  if (rest == 0) {
    loop.erase();
    return;
  }
  loop.setLowerBound(middle);
  if (count && rest >= fewestTrips) {
    vectorize(loop, int64_t(llvm::bit_floor(uint64_t(rest))), target);
  }
}

struct VectorizeElementwisePass
    : public lpgen::impl::VectorizeElementwisePassBase<
          VectorizeElementwisePass> {
  using VectorizeElementwisePassBase::VectorizeElementwisePassBase;
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    lp::LpDialect::ElementwiseAttrHelper mark(&getContext());
    getOperation().walk([&](scf::ForOp loop) {
      if (mark.isAttrPresent(loop)) {
        mark.removeAttr(loop);
        loops.push_back(loop);
      }
    });
    const Target *target = targetOf(getOperation());
    for (scf::ForOp loop : loops) {
      if (const int64_t width = chooseWidth(loop, vectorBits); width > 0) {
        vectorize(loop, width, target ? &target->desc() : nullptr);
      }
    }
  }
};

} // namespace
