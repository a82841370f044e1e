// The packed x of other contractions, which the epilogue of one writes: row by
// row of its panel, through rows in scratch (PackRow.h). Shared by all
// contractions that run in tiles.
#ifndef LPGEN_COMPILER_PASSES_CHAINWRITER_H
#define LPGEN_COMPILER_PASSES_CHAINWRITER_H

#include "compiler/passes/PackRow.h"
#include <vector>

namespace lpgen {

class ChainWriter {
public:
  /// Panels of `lanes` columns; the rows begin at byte `offset` of `scratch`.
  ChainWriter(lp::ContractOp op, Emitter &e, int64_t lanes, mlir::Value scratch,
              int64_t offset);

  /// Bytes of scratch for the rows.
  static int64_t scratchBytes(lp::ContractOp op, int64_t lanes);

  /// Puts what the body yields for column `lane` of the panel into the rows.
  void put(mlir::Value lane, llvm::ArrayRef<mlir::Value> yielded);
  /// Packs the first `columns` elements of the rows, which are the columns of
  /// `panel` where the loops have the values `loops`. `first`: see
  /// RowPacker::pack.
  void pack(llvm::ArrayRef<mlir::Value> loops, mlir::Value panel,
            mlir::Value columns, mlir::Value first);

private:
  struct Chain {
    lp::PackOp op;
    Geometry geometry;
    RowPacker row;
  };
  mlir::Value isRead(const Chain &chain, llvm::ArrayRef<mlir::Value> loops);
  void packRow(Chain &chain, llvm::ArrayRef<mlir::Value> loops,
               mlir::Value panel, mlir::Value columns, mlir::Value first);

  Emitter &e;
  int64_t lanes;
  std::vector<Chain> chains;
};

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_CHAINWRITER_H
