// Kernels whose assembly is looked at.
#ifndef LPGEN_TESTS_ASM_KERNELS_H
#define LPGEN_TESTS_ASM_KERNELS_H

#include "compiler/pipeline/Compile.h"
#include "targets/Cell.h"
#include "targets/Target.h"
#include <string>

namespace lpgen::asmtest {

/// y[rows, columns] of i32, or f32 of f32, = x[rows, depth] * w[columns,
/// depth].
struct Gemm {
  const char *x; ///< Type of the elements.
  const char *w;
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

/// A cell of a target; a failure if it has none of that name.
const Cell &cellNamed(const Target &target, llvm::StringRef name);

/// The text of a schedule with a cell, and further fields as `tile=[4,4]`.
std::string scheduleWith(const CellFacts &cell, const std::string &fields = "");

/// Compiles `gemm`, with the schedule of the cost model if `schedule` is empty.
/// A failure, and nothing, if it is refused.
CompiledOp compileGemm(const Target &target, const std::string &schedule,
                       const Gemm &gemm);
/// The same for the first operator of `text`.
CompiledOp compileText(const Target &target, const std::string &schedule,
                       const std::string &text);

} // namespace lpgen::asmtest

#endif // LPGEN_TESTS_ASM_KERNELS_H
