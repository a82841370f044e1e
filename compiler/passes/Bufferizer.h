// Turns a kernel on tensors into one on buffers, for Bufferize.cpp and
// BufferizePacked.cpp.
#ifndef LPGEN_COMPILER_PASSES_BUFFERIZER_H
#define LPGEN_COMPILER_PASSES_BUFFERIZER_H

#include "compiler/passes/Lowering.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace lpgen {

/// A contraction's result that it writes packed, as x of `consumer`.
struct Chain {
  unsigned result;
  lp::ContractOp consumer;
  mlir::Value packed;
};

/// What one contraction reads of an input that arrives packed: its w or a
/// column, `bytes` from `offset` on.
struct PackedPart {
  mlir::OpOperand *use;
  int64_t offset;
  int64_t bytes;
};

class Bufferizer {
public:
  explicit Bufferizer(lp::KernelOp kernel)
      : kernel(kernel), builder(kernel.getContext()) {}

  llvm::LogicalResult run();

private:
  llvm::LogicalResult checkOutputs();
  llvm::LogicalResult planForms();
  void makeElementsExplicit();
  void separateConstants();
  lp::KernelOp createKernel();
  void convert(lp::ComputeOp op);
  void convert(lp::ContractOp op);
  bool isOnlyPacked(mlir::OpResult result);
  void createChains(lp::ContractOp op, lp::ContractOp converted,
                    llvm::ArrayRef<Chain> chains);
  mlir::Value findPackedX(lp::ContractOp op);
  mlir::Value allocateX(lp::ContractOp op);
  mlir::Value packX(lp::ContractOp op);
  void packComputed(lp::ComputeOp producer, lp::ContractOp consumer);
  lp::PackOp createPackX(lp::ContractOp op, mlir::Value source,
                         mlir::Value packed);
  mlir::Value packW(lp::ContractOp op, const PackedForm &form);
  lp::PackOp createPack(mlir::OpBuilder &b, lp::ContractOp op,
                        mlir::Value source, mlir::Value destination,
                        lp::LayoutAttr layout, mlir::Type element,
                        llvm::ArrayRef<int64_t> extents, mlir::AffineMap xMap,
                        llvm::ArrayRef<int64_t> xShape,
                        mlir::ValueRange dynamic);
  lp::PackOp createPackColumn(mlir::OpBuilder &b, lp::ContractOp op,
                              unsigned number, mlir::Value source,
                              mlir::Value destination);
  mlir::Value packColumn(lp::ContractOp op, unsigned number);
  llvm::SmallVector<PackedPart> partsOf(mlir::Value input);
  lp::PackOp createPackPart(mlir::OpBuilder &b, const PackedPart &part,
                            mlir::Value from, mlir::Value to);
  lp::PackedBufferAttr createPackFunction(mlir::Value input,
                                          llvm::StringRef name);
  mlir::Value allocate(int64_t bytes);
  mlir::Value allocateTensor(mlir::Value tensor, mlir::Operation *op);
  mlir::Value destination(mlir::OpResult result, mlir::Operation *op);
  mlir::Value placeOfPart(mlir::OpResult result, lp::InterleaveOp whole);
  void findPackedInput(mlir::Value w);
  mlir::Value packedPart(mlir::OpOperand &use);
  static bool readsPackedX(lp::ContractOp op);
  llvm::SmallVector<mlir::Value> mapAll(mlir::ValueRange values);

  lp::KernelOp kernel; ///< As it was, on tensors.
  mlir::OpBuilder builder;
  mlir::IRMapping mapping;
  llvm::MapVector<mlir::Operation *, PackedForm> forms;
  /// The contractions that read a value as the x that its producer writes
  /// packed, and the first one that an elementwise producer computes x for.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<lp::ContractOp>> chainsOf;
  llvm::DenseMap<mlir::Operation *, lp::ContractOp> computedFor;
  llvm::DenseMap<mlir::Value, unsigned>
      outputOf; ///< Number of a yielded value.
  llvm::SmallPtrSet<mlir::Value, 4> packedInputs;
  /// By x: the contractions that a buffer of packed x was made for, and it.
  llvm::DenseMap<mlir::Value,
                 llvm::SmallVector<std::pair<lp::ContractOp, mlir::Value>>>
      packedXs;
  mlir::Value workspace;
  int64_t workspaceBytes = 0;
};

/// True if a contraction takes this operand packed in panels: as its w, or as a
/// column.
bool isOfPanels(mlir::OpOperand &use);
/// The buffer of a tensor.
mlir::MemRefType bufferType(mlir::Type tensor);
/// A buffer of so many bytes.
mlir::MemRefType bytesType(mlir::MLIRContext *context, int64_t bytes);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_BUFFERIZER_H
