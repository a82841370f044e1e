// Ranges of integers in a function, for passes that narrow what is computed.
#ifndef LPGEN_COMPILER_PASSES_RANGES_H
#define LPGEN_COMPILER_PASSES_RANGES_H

#include "mlir/Analysis/DataFlow/IntegerRangeAnalysis.h"
#include "mlir/Analysis/DataFlow/Utils.h"

namespace lpgen {

/// Fills `solver` with the ranges of all values in `op`, by their addresses.
inline llvm::LogicalResult findRanges(mlir::Operation *op,
                                      mlir::DataFlowSolver &solver) {
  mlir::dataflow::loadBaselineAnalyses(solver);
  solver.load<mlir::dataflow::IntegerRangeAnalysis>();
  return solver.initializeAndRun(op);
}

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_RANGES_H
