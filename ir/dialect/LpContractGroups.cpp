// The verifier of groups in lp.contract: the factors that their sums become,
// and the columns that these get. Labels are those of LpOps.td.
#include "ir/dialect/Verify.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

bool lp::takesSums(Region &region, unsigned loops, size_t columns) {
  return region.front().getNumArguments() == loops + columns + 1 &&
         isIndexList(region.front(), loops);
}

SmallVector<IndexFacts> lp::loopFacts(ContractOp op) {
  SmallVector<IndexFacts> facts;
  for (unsigned i = 0; i < op.numLoops(); ++i) {
    facts.push_back(factsOf(op.getExtents(), op.getDynamicExtents(), i));
  }
  return facts;
}

namespace {

/// The scalar that an element of a column is.
mlir::Type scalarOf(mlir::Type element) {
  auto *context = element.getContext();
  return isa<FloatType>(element)
             ? mlir::Type(Float32Type::get(context))
             : IntegerType::get(context, toElementType(element).scalarBits());
}

/// contract_c16
LogicalResult verifyColumn(ContractOp op, unsigned i) {
  Value column = op.getColumns()[i];
  auto type = cast<ShapedType>(column.getType());
  const bool isPacked = op.getWLayoutAttr() != nullptr;
  const bool hasElement = op.getColumnElements().has_value();
  const mlir::Type element =
      hasElement ? op.columnElement(i) : type.getElementType();
  const bool isElement = isElementType(element);
  if (!isElement ||
      (isPacked ? !isByteBuffer(column) : !holdsElement(type, element))) {
    return op.emitOpError("takes columns of elements, packed if w is, found ")
           << type;
  }
  AffineMap map = op.columnMap(i);
  if (!op.isMapOfColumn(map) ||
      (!isPacked && map.getNumResults() != type.getRank())) {
    return op.emitOpError("columns are subscripted by the parallel and group "
                          "loops of w, each once");
  }
  Block &factors = op.getFactors().front();
  const unsigned number = op.getParallel() + op.numGroups() + i;
  if (factors.getArgument(number).getType() != scalarOf(element) ||
      !(scalarOf(element).isInteger(32) || scalarOf(element).isF32())) {
    return op.emitOpError("factors get columns as i32 or f32");
  }
  if (isPacked) {
    return success();
  }
  SmallVector<Size> sizes;
  for (unsigned d = 0; d < map.getNumResults(); ++d) {
    sizes.push_back(sizeOf(column, d));
  }
  std::string outside = whereOutside(map, loopFacts(op), sizes,
                                     isa<MemRefType>(column.getType()));
  return outside.empty() ? success()
                         : op.emitOpError("reads columns outside: ") << outside;
}

LogicalResult verifyColumns(ContractOp op) {
  const size_t count = op.getColumns().size();
  if ((op.getColumnMaps() ? op.getColumnMaps()->size() : 0) != count ||
      (op.getColumnElements() && op.getColumnElements()->size() != count) ||
      (count > 0 && op.numGroups() == 0)) {
    return op.emitOpError("takes columns, with a map each, of groups only");
  }
  if (auto zero = op.getWZeroColumn();
      zero && (*zero >= count || op.getWZero() ||
               !op.getFactors()
                    .getArgument(op.getParallel() + op.numGroups() + *zero)
                    .getType()
                    .isInteger())) {
    return op.emitOpError("takes a column of integers as the only zero point "
                          "of w");
  }
  for (unsigned i = 0; i < count; ++i) {
    if (isa<MemRefType>(op.getColumns()[i].getType()) &&
        !op.getColumnElements()) {
      return op.emitOpError("needs the element types of columns on memrefs");
    }
    if (failed(verifyColumn(op, i))) {
      return failure();
    }
  }
  return success();
}

} // namespace

bool ContractOp::isMapOfColumn(AffineMap map) {
  const unsigned loops = getParallel() + numGroups();
  if (map.getNumDims() != numLoops() || map.getNumSymbols() != 0 ||
      !isMapOfW(map, numLoops(), 0)) {
    return false;
  }
  return llvm::all_of(llvm::seq(numLoops()), [&](unsigned loop) {
    return map.isFunctionOfDim(loop) ==
           (loop < loops && getWMap().isFunctionOfDim(loop));
  });
}

LogicalResult lp::verifyGroups(ContractOp op) {
  Region &factors = op.getFactors();
  const unsigned first = op.getParallel();
  const unsigned groups = op.numGroups();
  if ((groups == 0) != factors.empty() || (op.getGroups() && groups == 0)) {
    return op.emitOpError("has factors if there are groups, and only then");
  }
  if (groups == 0) {
    return verifyColumns(op);
  }
  const bool isOfIntegers =
      takesSums(factors, first + groups, op.getColumns().size()) &&
      (op.accumulatorType().isInteger(32) ||
       op.accumulatorType().isInteger(64));
  ValueRange yielded = yieldedOf(factors);
  if (!isOfIntegers || yielded.size() != 2 ||
      !llvm::all_of(yielded.getTypes(),
                    [](mlir::Type t) { return t.isF32(); }) ||
      !op.getBody().front().getArguments().back().getType().isF32()) {
    return op.emitOpError("factors take one index per parallel and group loop "
                          "and an i32 or i64 sum, and yield two f32 for a body "
                          "of an f32");
  }
  for (unsigned loop = first; loop < first + groups; ++loop) {
    if (!op.getXMap().isFunctionOfDim(loop) ||
        !op.getWMap().isFunctionOfDim(loop)) {
      return op.emitOpError("has a group loop that does not subscript both "
                            "operands");
    }
  }
  return failed(verifyBody(op, factors)) // contract_c12
             ? failure()
             : verifyColumns(op);
}
