// Third step of the checker: the extents of all indices and intermediates, from
// the equations of the second step, and the proof that every subscript stays
// inside its dimension or the tensor has a padding.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using ast::Expr;

bool OpChecker::resolveExtents() {
  unsigned errors = diags.numErrors();
  for (unsigned number = 0; number != op.statements.size(); ++number) {
    resolveStatementExtents(number);
  }
  return !failedSince(errors);
}

void OpChecker::resolveStatementExtents(unsigned number) {
  Entered guard(*this, scopes[number].instance);
  ast::Statement &statement = op.statements[number];
  ast::Tensor &target = op.tensors[statement.tensor];
  bool isComplete = true;
  for (auto [position, index] : llvm::enumerate(statement.indices)) {
    std::optional<ast::Extent> extent =
        extents.get(scopes[number].unknowns[position]);
    if (extent) {
      index.extent = *extent;
    } else {
      isComplete = false;
      reportNoExtent(index, *scopes[number].target,
                     scopes[number].unknowns[position]);
    }
  }
  if (!isComplete) {
    return;
  }
  if (!tensorInfos[statement.tensor].hasShape) {
    for (auto [dim, extent] : llvm::enumerate(target.shape)) {
      extent = statement.indices[dim].extent;
    }
    checkElements(target, tensorInfos[statement.tensor].range, diags);
  }
  Int128 points = 1;
  for (const ast::Index &index : statement.indices) {
    points *= index.extent.size;
    if (points > (Int128{1} << 62)) {
      diags.error(tensorInfos[statement.tensor].range,
                  "the indices of this statement have more than 2^62 "
                  "combinations");
      return;
    }
  }
}

void OpChecker::reportNoExtent(const ast::Index &index, const Binding &target,
                               unsigned unknown) {
  if (!reportedExtents.insert(extents.representative(unknown)).second) {
    return;
  }
  const char *start = index.loc.getPointer();
  llvm::SMRange range(index.loc,
                      llvm::SMLoc::getFromPointer(start + index.name.size()));
  std::string remedy =
      index.isReduction
          ? "write '" + index.name + ":EXTENT' in the list of the reduction"
          : "declare " + quoted(target) +
                " with its extents, 'NAME[...]: TYPE[EXTENT, ...] = ...'";
  diags.error(range, "index '" + index.name +
                         "' has no extent: it stands alone in no dimension of "
                         "known extent; " +
                         remedy);
}

bool OpChecker::checkBounds() {
  unsigned errors = diags.numErrors();
  for (auto [statement, scope] : llvm::zip_equal(op.statements, scopes)) {
    Entered guard(*this, scope.instance);
    checkReads(*statement.value, statement);
  }
  return !failedSince(errors);
}

void OpChecker::checkReads(Expr &expr, const ast::Statement &statement) {
  for (ast::ExprPtr &operand : expr.operands) {
    checkReads(*operand, statement);
  }
  if (expr.kind != Expr::Kind::Read) {
    return;
  }
  for (auto [dim, subscript] : llvm::enumerate(expr.subscripts)) {
    if (subscript.computed) {
      checkReads(*subscript.computed, statement);
    } else {
      checkSubscript(expr, dim, statement);
    }
  }
}

/// The range of the numerator over the whole index space.
static Interval numeratorRange(const ast::AffineForm &form,
                               const ast::Statement &statement) {
  Interval range(form.constant, form.constant);
  for (const ast::AffineForm::Term &term : form.terms) {
    Int128 last = statement.indices[term.index].extent.size - 1;
    range = apply(ast::BinaryOp::Add, range,
                  apply(ast::BinaryOp::Mul, {0, last},
                        {term.coefficient, term.coefficient}));
  }
  return range;
}

void OpChecker::checkSubscript(Expr &read, unsigned dim,
                               const ast::Statement &statement) {
  const ast::AffineForm &form = read.subscripts[dim].affine;
  const ast::Tensor &tensor = op.tensors[read.tensor];
  const ast::Extent &extent = tensor.shape[dim];
  const SourceInfo &info = sourceInfos[&read];
  llvm::SMRange range = info.subscripts[dim];
  Interval values = numeratorRange(form, statement);
  if (!values.fitsInt64()) {
    diags.error(range, "subscript does not fit 64-bit arithmetic");
    return;
  }
  // Only multiples of the divisor are read, so the quotients round inward.
  values = {-floorDivide(-values.lo, form.divisor),
            floorDivide(values.hi, form.divisor)};
  bool isWholeDimension =
      form.isPlainIndex() &&
      statement.indices[form.terms[0].index].extent == extent;
  // A run-time size can be anything from 0 up, so only its own indices are
  // inside.
  bool isInside =
      isWholeDimension ||
      (extent.isStatic() && values.within(0, extent.size - 1)) ||
      (!extent.isStatic() && isProvedInside(form, statement, extent));
  bool isFractional = form.divisor != 1;
  if (isInside && !isFractional) {
    return;
  }
  std::string where =
      "dimension " + std::to_string(dim) + " of " + quoted(*info.binding);
  allowOutside(read, dim, values,
               isInside ? "subscript is not always a multiple of its divisor, "
                          "which reads outside " +
                              where
                        : "subscript ranges over " + values.str() + " but " +
                              where + " has extent " + format(extent));
}
