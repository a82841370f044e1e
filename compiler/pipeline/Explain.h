// What the compiler made of an operator, in words and numbers.
#ifndef LPGEN_COMPILER_PIPELINE_EXPLAIN_H
#define LPGEN_COMPILER_PIPELINE_EXPLAIN_H

#include "compiler/pipeline/Compile.h"
#include <string>

namespace lpgen {

/// A report on one operator: for every contraction its schedule and who chose
/// it, the packed layouts, the register budget, operation counts, the ceiling
/// these imply, and what LLVM's scheduling model says of the hot loop.
/// `scheduledIr` is its MLIR at stage `scheduled`.
std::string explain(llvm::StringRef scheduledIr, const CompiledOp &compiled,
                    const Target &target);

} // namespace lpgen

#endif // LPGEN_COMPILER_PIPELINE_EXPLAIN_H
