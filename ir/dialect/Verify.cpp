// See Verify.h.
#include "ir/dialect/Verify.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

bool lp::isIndexList(Block &block, size_t count) {
  return block.getNumArguments() >= count &&
         llvm::all_of(block.getArguments().take_front(count),
                      [](BlockArgument a) { return a.getType().isIndex(); });
}

bool lp::isMapOfW(AffineMap map, unsigned firstGroup, unsigned groups) {
  llvm::SmallBitVector seen(map.getNumDims());
  return llvm::all_of(map.getResults(), [&](AffineExpr expr) {
    auto form = linearForm(expr, map.getNumDims());
    if (!form || isa<AffineConstantExpr>(expr)) {
      return form.has_value();
    }
    unsigned others = 0;
    bool isOfSum = false;
    for (auto [loop, factor] : llvm::enumerate(form->coefficients)) {
      if (factor == 0) {
        continue;
      }
      const bool isGroup = loop >= firstGroup && loop - firstGroup < groups;
      others += !isGroup;
      isOfSum = loop >= firstGroup + groups;
      if (seen.test(loop) || factor < 1 ||
          (!isGroup && !isOfSum && factor != 1)) {
        return false;
      }
      seen.set(loop);
    }
    return (form->constant == 0 || isOfSum) && others <= 1;
  });
}

ValueRange lp::yieldedOf(Region &body) {
  auto yield = body.empty() || body.front().empty()
                   ? YieldOp()
                   : dyn_cast<YieldOp>(body.front().back());
  return yield ? ValueRange(yield.getValues()) : ValueRange();
}

LogicalResult lp::verifyBody(Operation *op, Region &body) {
  if (Operation *found = findNonScalar(body)) {
    InFlightDiagnostic error = op->emitOpError("computes scalars, found '")
                               << found->getName() << "'";
    error.attachNote(found->getLoc()) << "it stands here";
    return error;
  }
  return success();
}

static LogicalResult verifyWritten(Operation *op, const WrittenLoops &loops,
                                   Value written, mlir::Type yielded) {
  auto type = cast<ShapedType>(written.getType());
  if (type.getRank() != static_cast<int64_t>(loops.parallel)) {
    return op->emitOpError("writes ")
           << type << " from " << loops.parallel << " loops";
  }
  if (type.getElementType() != yielded) {
    return op->emitOpError("yields ") << yielded << " for " << type;
  }
  for (unsigned i = 0; i < loops.parallel; ++i) {
    const Size extent = extentAt(loops.extents, loops.dynamic, i);
    const Size size = sizeOf(written, i);
    const bool isOther = extent.value && size.value
                             ? extent.value != size.value
                             : extent.constant != size.constant;
    if (isOther) {
      return op->emitOpError("writes ")
             << type << ", but loop " << i << " has another extent";
    }
  }
  return success();
}

LogicalResult lp::verifyWrittenLoops(Operation *op, const WrittenLoops &loops) {
  std::string fault = faultOfExtents(loops.extents, loops.dynamic);
  Int128 elements = 1;
  for (unsigned i = 0; fault.empty() && i < loops.parallel; ++i) {
    elements *= factsOf(loops.extents, loops.dynamic, i).range->high + 1;
    if (elements > maxExtent) {
      fault = "writes more than 2^40 elements";
    }
  }
  if (!fault.empty()) {
    return op->emitOpError(fault);
  }
  if (!loops.results.empty() && !loops.outputs.empty()) {
    return op->emitOpError("has both results and outputs");
  }
  ValueRange written = loops.results.empty() ? loops.outputs : loops.results;
  if (loops.yielded.size() != written.size() + loops.chained) {
    return op->emitOpError("yields ")
           << loops.yielded.size() << " values for " << written.size()
           << (loops.results.empty() ? " outputs" : " results");
  }
  for (auto [value, yielded] : llvm::zip(written, loops.yielded)) {
    if (failed(verifyWritten(op, loops, value, yielded.getType()))) {
      return failure();
    }
  }
  return success();
}
