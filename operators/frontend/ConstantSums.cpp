// Ranges of sums with constants. See ConstantSums.h.
#include "operators/frontend/ConstantSums.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace lpgen;
using ast::Expr;

static bool isConstantRead(const ast::Op &op, const Expr &expr) {
  return expr.kind == Expr::Kind::Read &&
         op.tensors[expr.tensor].role == ast::Role::Constant &&
         llvm::all_of(expr.subscripts, [](const ast::Subscript &subscript) {
           return !subscript.computed && subscript.affine.isPlainIndex();
         });
}

/// For each dimension of w how far a step in it moves the number of the output;
/// 0 for those that `sum` reduces. Nothing if an index stands twice.
static std::optional<std::vector<int64_t>>
outputSteps(const ast::Statement &statement, const Expr &sum, const Expr &w,
            int64_t &outputs) {
  std::vector<int64_t> steps(w.subscripts.size());
  llvm::SmallVector<unsigned> seen;
  outputs = 1;
  for (size_t dim = w.subscripts.size(); dim-- > 0;) {
    const unsigned index = w.subscripts[dim].affine.terms[0].index;
    if (llvm::is_contained(seen, index)) {
      return std::nullopt;
    }
    seen.push_back(index);
    if (!llvm::is_contained(sum.indices, index)) {
      steps[dim] = outputs;
      outputs *= statement.indices[index].extent.size;
    }
  }
  return steps;
}

/// Terms that share one element of w; nothing if their number is not constant.
static std::optional<int64_t> termsOfElement(const ast::Statement &statement,
                                             const Expr &sum, const Expr &w) {
  int64_t terms = 1;
  for (const unsigned index : sum.indices) {
    const ast::Extent &extent = statement.indices[index].extent;
    const bool isOfW =
        llvm::any_of(w.subscripts, [&](const ast::Subscript &subscript) {
          return subscript.affine.terms[0].index == index;
        });
    if (!isOfW && !extent.isStatic()) {
      return std::nullopt;
    }
    terms *= isOfW ? 1 : extent.size;
  }
  return terms;
}

std::optional<Interval>
lpgen::rangeOfConstantSum(const ast::Op &op, const ast::Statement &statement,
                          const Expr &sum) {
  const Expr &term = *sum.operands[0];
  if (term.kind != Expr::Kind::Binary || term.binaryOp != ast::BinaryOp::Mul) {
    return std::nullopt;
  }
  const bool isLeft = isConstantRead(op, *term.operands[0]);
  const Expr &w = *term.operands[isLeft ? 0 : 1];
  const Interval a = term.operands[isLeft ? 1 : 0]->range;
  if (!isConstantRead(op, w)) {
    return std::nullopt;
  }
  int64_t outputs = 1;
  const auto steps = outputSteps(statement, sum, w, outputs);
  const auto terms = termsOfElement(statement, sum, w);
  if (!steps || !terms) {
    return std::nullopt;
  }
  const HostTensor &values = *op.tensors[w.tensor].values;
  // Each product fits 64 bits, and there are at most 2^62 terms.
  std::vector<Int128> lo(outputs, 0);
  std::vector<Int128> hi(outputs, 0);
  std::vector<int64_t> at(steps->size(), 0);
  int64_t output = 0;
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const Int128 value = values.getInt(i);
    // With 0: the sum on the way does not leave the range either.
    lo[output] += std::min<Int128>(value * (value < 0 ? a.hi : a.lo), 0);
    hi[output] += std::max<Int128>(value * (value < 0 ? a.lo : a.hi), 0);
    for (size_t dim = at.size(); dim-- > 0;) {
      output += (*steps)[dim];
      if (++at[dim] < values.shape()[dim]) {
        break;
      }
      output -= at[dim] * (*steps)[dim];
      at[dim] = 0;
    }
  }
  return Interval(*llvm::min_element(lo) * *terms,
                  *llvm::max_element(hi) * *terms);
}
