// lp-tile: running sums as one pass along their dimension.
//
// A task has one line of elements along it, or, where that is not the innermost
// dimension, the lines of all innermost positions side by side, which become
// vectors. The partial results go from element to element; they are the same
// numbers, in the same order, as those of a reduction that starts anew.
#include "compiler/passes/Phases.h"
#include "compiler/passes/Reductions.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lpgen;

namespace {

class ScanEmitter {
public:
  ScanEmitter(lp::ComputeOp op, Emitter &e, const Scan &scan)
      : op(op), e(e), scan(scan),
        extents(mixedExtents(op.getExtents(), op.getDynamicExtents(), e.b,
                             [](Value v) { return v; })) {}

  void emit(Coordinates task) {
    const std::optional<unsigned> side = loopBeside(op, scan);
    indices.resize(extents.size());
    size_t number = 0;
    for (unsigned loop = 0; loop < extents.size(); ++loop) {
      if (loop != scan.loop && loop != side) {
        indices[loop] = task[number++];
      }
    }
    if (!side) {
      return emitLine();
    }
    e.elementwiseLoop(e.index(0), e.value(extents[*side]), [&](Value index) {
      indices[*side] = index;
      emitLine();
    });
  }

private:
  /// All elements along the scan's loop, the others at `indices`.
  void emitLine() {
    SmallVector<Value> carried;
    for (lp::ReduceOp reduce : scan.reductions) {
      llvm::append_range(carried, startOf(reduce, e));
    }
    auto loop =
        scf::ForOp::create(e.b, e.loc, e.index(0), e.value(extents[scan.loop]),
                           e.index(1), carried);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(loop.getBody());
    indices[scan.loop] = loop.getInductionVar();
    scf::YieldOp::create(
        e.b, e.loc,
        emitElement(llvm::to_vector_of<Value>(loop.getRegionIterArgs())));
  }

  /// One element; gives what the next one takes.
  SmallVector<Value> emitElement(ArrayRef<Value> carried) {
    IRMapping mapping;
    Block &body = op.getBody().front();
    mapping.map(body.getArguments(), indices);
    SmallVector<Value> next;
    for (Operation &inner : body.without_terminator()) {
      auto reduce = dyn_cast<lp::ReduceOp>(inner);
      if (!reduce || !llvm::is_contained(scan.reductions, reduce)) {
        e.b.clone(inner, mapping);
        continue;
      }
      const unsigned count = reduce.isIndex() ? 2 : 1;
      const SmallVector<Value> parts =
          addTerm(reduce, carried.slice(next.size(), count), mapping);
      mapping.map(reduce.getResult(), parts.back());
      llvm::append_range(next, parts);
    }
    auto yield = cast<lp::YieldOp>(body.getTerminator());
    for (auto [value, output] :
         llvm::zip_equal(yield.getValues(), op.getOutputs())) {
      memref::StoreOp::create(e.b, e.loc, mapping.lookupOrDefault(value),
                              output, indices);
    }
    return next;
  }

  /// The reduction with the term of the element.
  SmallVector<Value> addTerm(lp::ReduceOp reduce, ArrayRef<Value> carried,
                             const IRMapping &element) {
    IRMapping mapping = element;
    Block &body = reduce.getBody().front();
    Value index = indices[scan.loop];
    mapping.map(body.getArgument(0), index);
    for (Operation &inner : body.without_terminator()) {
      e.b.clone(inner, mapping);
    }
    const SmallVector<Value> terms = llvm::map_to_vector(
        cast<lp::YieldOp>(body.getTerminator()).getValues(),
        [&](Value value) { return mapping.lookupOrDefault(value); });
    return combine(reduce, e, carried, terms, index);
  }

  lp::ComputeOp op;
  Emitter &e;
  const Scan &scan;
  SmallVector<OpFoldResult> extents;
  SmallVector<Value> indices;
};

} // namespace

std::optional<unsigned> lpgen::loopBeside(lp::ComputeOp op, const Scan &scan) {
  const auto last = unsigned(op.getExtents().size()) - 1;
  return scan.loop == last ? std::nullopt : std::optional(last);
}

void lpgen::emitScan(lp::ComputeOp op, const Scan &scan, Emitter &e,
                     Coordinates task) {
  ScanEmitter(op, e, scan).emit(task);
}
