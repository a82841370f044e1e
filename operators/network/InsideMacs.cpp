// Counting the multiply-accumulates that read inside their tensors.
//
// Over the box of all indices the count is a product: of the combinations that
// keep one subscript inside, for each subscript that can fall outside, and of
// the extents of all indices that stand in none of these.
#include "operators/network/InsideMacs.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace lpgen {

namespace {
/// A subscript that can fall outside [0, extent).
struct Check {
  const ast::AffineForm *form;
  int64_t extent;

  bool operator==(const Check &other) const {
    return extent == other.extent && form->constant == other.form->constant &&
           form->divisor == other.form->divisor &&
           llvm::equal(form->terms, other.form->terms,
                       [](const ast::AffineForm::Term &a,
                          const ast::AffineForm::Term &b) {
                         return a.index == b.index &&
                                a.coefficient == b.coefficient;
                       });
  }
};

/// Counts one operator.
class InsideCounter {
public:
  InsideCounter(const ast::Op &op, llvm::ArrayRef<int64_t> sizes)
      : op(op), sizes(sizes) {}
  std::optional<int64_t> count();

private:
  void visit(const ast::Statement &statement, const ast::Expr &expr,
             llvm::SmallVector<unsigned> scope);
  void countReduction(const ast::Statement &statement, const ast::Expr &body,
                      llvm::ArrayRef<unsigned> scope);
  void collectChecks(const ast::Expr &expr, llvm::SmallVector<Check> &checks);
  int64_t insideCombinations(const ast::Statement &statement,
                             const Check &check, size_t term,
                             int64_t value) const;

  const ast::Op &op;
  llvm::ArrayRef<int64_t> sizes;
  int64_t total = 0;
  bool isSeparable = true;
};
} // namespace

static bool hasReduction(const ast::Expr &expr) {
  return expr.kind == ast::Expr::Kind::Reduce ||
         llvm::any_of(expr.operands, [](const ast::ExprPtr &operand) {
           return hasReduction(*operand);
         });
}

std::optional<int64_t> InsideCounter::count() {
  for (const ast::Statement &statement : op.statements) {
    const size_t rank = op.tensors[statement.tensor].shape.size();
    visit(statement, *statement.value,
          llvm::to_vector(llvm::seq<unsigned>(0, unsigned(rank))));
  }
  return isSeparable ? std::optional(total) : std::nullopt;
}

void InsideCounter::visit(const ast::Statement &statement,
                          const ast::Expr &expr,
                          llvm::SmallVector<unsigned> scope) {
  if (expr.kind == ast::Expr::Kind::Reduce) {
    llvm::append_range(scope, expr.indices);
    if (!hasReduction(*expr.operands.front())) {
      countReduction(statement, *expr.operands.front(), scope);
      return;
    }
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    visit(statement, *operand, scope);
  }
}

void InsideCounter::collectChecks(const ast::Expr &expr,
                                  llvm::SmallVector<Check> &checks) {
  if (expr.kind == ast::Expr::Kind::Read && expr.padding) {
    for (const auto &[subscript, extent] :
         llvm::zip_equal(expr.subscripts, op.tensors[expr.tensor].shape)) {
      if (subscript.computed || subscript.affine.isPlainIndex()) {
        continue; // Always inside: ranges agree with the extents.
      }
      const Check check{&subscript.affine, op.sizeOf(extent, sizes)};
      if (!llvm::is_contained(checks, check)) {
        checks.push_back(check);
      }
    }
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    collectChecks(*operand, checks);
  }
}

/// How often the terms from `term` on, added to `value`, give a subscript that
/// lies inside.
int64_t InsideCounter::insideCombinations(const ast::Statement &statement,
                                          const Check &check, size_t term,
                                          int64_t value) const {
  if (term == check.form->terms.size()) {
    const int64_t divisor = check.form->divisor;
    return value % divisor == 0 && value >= 0 && value / divisor < check.extent;
  }
  const auto &[index, coefficient] = check.form->terms[term];
  const int64_t extent = op.sizeOf(statement.indices[index].extent, sizes);
  int64_t count = 0;
  for (int64_t i = 0; i < extent; ++i) {
    count +=
        insideCombinations(statement, check, term + 1, value + i * coefficient);
  }
  return count;
}

void InsideCounter::countReduction(const ast::Statement &statement,
                                   const ast::Expr &body,
                                   llvm::ArrayRef<unsigned> scope) {
  llvm::SmallVector<Check> checks;
  collectChecks(body, checks);
  llvm::SmallVector<bool> isChecked(statement.indices.size(), false);
  int64_t count = 1;
  for (const Check &check : checks) {
    for (const ast::AffineForm::Term &term : check.form->terms) {
      isSeparable &= !isChecked[term.index];
      isChecked[term.index] = true;
    }
    if (!isSeparable) {
      return;
    }
    count *= insideCombinations(statement, check, 0, check.form->constant);
  }
  for (unsigned index : scope) {
    if (!isChecked[index]) {
      count *= op.sizeOf(statement.indices[index].extent, sizes);
    }
  }
  total += count;
}

std::optional<int64_t>
insideMultiplyAccumulates(const ast::Op &op, llvm::ArrayRef<int64_t> sizes) {
  return InsideCounter(op, sizes).count();
}

} // namespace lpgen
