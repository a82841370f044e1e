// What `lpgen bench` has to know about an operator: the work that it does, and
// the convolution or matrix product in it that other libraries can compute.
#ifndef LPGEN_WORKBENCH_BENCH_BENCHPROBLEM_H
#define LPGEN_WORKBENCH_BENCH_BENCHPROBLEM_H

#include "base/system/Status.h"
#include "operators/frontend/Ast.h"
#include "workbench/measure/Problem.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>

namespace lpgen {

/// Recognizes an operator with one sum of products, in one of two forms, whose
/// names do not matter:
///   y[m,n]     = sum(k)     x[m,k] * w[n,k]
///   y[n,h,v,o] = sum(r,s,c) x[n, a*h + b*r - p, d*v + e*s - q, c] * w[o,r,s,c]
/// An error says in which way another operator differs; that is no failure.
/// `sizes` has a value for each run-time size.
Result<Problem> recognizeProblem(const ast::Op &op,
                                 llvm::ArrayRef<int64_t> sizes);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_BENCH_BENCHPROBLEM_H
