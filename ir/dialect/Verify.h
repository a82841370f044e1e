// What the verifiers of several ops of the dialect share.
#ifndef LPGEN_IR_DIALECT_VERIFY_H
#define LPGEN_IR_DIALECT_VERIFY_H

#include "ir/dialect/Bounds.h"
#include "ir/dialect/Scalars.h"

namespace lpgen::lp {

/// True if the first `count` arguments are indices.
bool isIndexList(mlir::Block &block, size_t count);

/// True for what packed operands lie in: a row of bytes of constant length.
bool isByteBuffer(mlir::Value value);

/// True if every subscript of w is a constant, a loop of its own, such a loop
/// and multiples of the group loops [firstGroup, firstGroup + groups), or a
/// multiple of one behind these and a constant.
bool isMapOfW(mlir::AffineMap map, unsigned firstGroup, unsigned groups);

/// What the terminator of a body yields; nothing if it has none, which other
/// verifiers say.
mlir::ValueRange yieldedOf(mlir::Region &body);

/// Refuses a body that does not compute scalars only.
mlir::LogicalResult verifyBody(mlir::Operation *op, mlir::Region &body);

/// The loops of an op that writes an element at each of their indices.
struct WrittenLoops {
  llvm::ArrayRef<int64_t> extents;
  mlir::ValueRange dynamic;
  size_t parallel = 0;
  mlir::ValueRange results; ///< Of tensors; or
  mlir::ValueRange outputs; ///< memrefs.
  mlir::ValueRange yielded;
  size_t chained = 0; ///< Yielded values that are neither.
};

/// The rules that compute and contract share: extents, and results or outputs
/// of the types that are yielded and of the shape of the parallel loops.
mlir::LogicalResult verifyWrittenLoops(mlir::Operation *op,
                                       const WrittenLoops &loops);

/// True if `region` takes one index per loop of the first `loops`, then
/// columns, then the accumulator.
bool takesSums(mlir::Region &region, unsigned loops, size_t columns = 0);

/// What the loops of a contraction can be.
llvm::SmallVector<IndexFacts> loopFacts(ContractOp op);

/// The most bytes of a buffer that is passed.
constexpr int64_t kMostBytes = int64_t{1} << 62;

/// The rule of computed sizes: kernel_c7.
mlir::LogicalResult verifyComputedSizes(KernelOp kernel);

/// The rules of a contraction of groups: contract_c15 and contract_c16.
mlir::LogicalResult verifyGroups(ContractOp op);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_VERIFY_H
