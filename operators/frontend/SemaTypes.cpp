// Fourth step of the checker: integer or f32, the range of every integer value,
// and what a statement stores. Conversions to f32 are inserted and constants
// folded here, so that later stages meet neither a mixed operation nor an
// unproved range.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using ast::Expr;
using ast::ExprPtr;
using ast::UnaryOp;
using llvm::Twine;

bool OpChecker::checkTypes() {
  unsigned errors = diags.numErrors();
  for (auto [number, statement] : llvm::enumerate(op.statements)) {
    checkPromises(number);
    Entered guard(*this, scopes[number].instance);
    if (!type(statement.value, statement) ||
        !checkStore(statement, *scopes[number].target)) {
      tensorInfos[statement.tensor].isBroken = true;
    }
  }
  return !failedSince(errors);
}

/// What an integer range becomes when it is stored to `type`: saturation, and
/// for bipolar types an even value goes to the odd one above.
static ast::IntRange storedRange(Interval value, ElementType type) {
  auto store = [&](Int128 v) {
    int64_t clamped = static_cast<int64_t>(
        std::clamp<Int128>(v, type.minValue(), type.maxValue()));
    return type.holds(clamped) ? clamped : clamped + 1;
  };
  return {store(value.lo), store(value.hi)};
}

bool OpChecker::checkStore(ast::Statement &statement, const Binding &target) {
  ast::Tensor &tensor = op.tensors[statement.tensor];
  ExprPtr &value = statement.value;
  const TensorInfo &info = tensorInfos[statement.tensor];
  if (!info.hasType) {
    Interval range = value->range;
    tensor.type = value->isFloat ? ElementType{Encoding::Float, 32}
                                 : accumulatorFor(range.fitsInt32());
    tensor.range = value->isFloat ? ast::IntRange() : value->range;
    return true;
  }
  llvm::SMRange range = rangeOf(*value);
  if (tensor.type.isFloat()) {
    makeFloat(value);
    return true;
  }
  if (value->isFloat) {
    diags.error(value->loc, range,
                "an f32 value is stored to " + quoted(target) + " of type " +
                    tensor.type.str() +
                    "; convert it with round, floor, ceil or trunc");
    diags.note(target.range, quoted(target) + " is declared here");
    return false;
  }
  if (tensor.type == accumulatorFor(true) &&
      !Interval(value->range).fitsInt32()) {
    diags.warning(value->loc, range,
                  "a value in " + Interval(value->range).str() +
                      " does not fit " + quoted(target) +
                      " of type i32 and saturates");
    diags.note(target.range, quoted(target) +
                                 " is declared here; declare it i64, or the "
                                 "inputs with 'in [lo, hi]'");
  }
  tensor.range = storedRange(value->range, tensor.type);
  return true;
}

bool OpChecker::type(ExprPtr &expr, const ast::Statement &statement) {
  bool ok = true;
  for (ExprPtr &operand : expr->operands) {
    ok &= type(operand, statement);
  }
  for (ast::Subscript &subscript : expr->subscripts) {
    ok &= !subscript.computed || type(subscript.computed, statement);
  }
  if (!ok) {
    return false;
  }
  switch (expr->kind) {
  case Expr::Kind::Int:
    expr->range = {expr->intValue, expr->intValue};
    return true;
  case Expr::Kind::Float:
    expr->isFloat = true;
    return true;
  case Expr::Kind::Index:
    expr->range = {0, statement.indices[expr->indices[0]].extent.size - 1};
    return true;
  case Expr::Kind::Size:
    expr->range = {0, expr->size.size};
    return true;
  case Expr::Kind::Read:
    return typeRead(*expr, statement);
  case Expr::Kind::Unary:
    return typeUnary(expr);
  case Expr::Kind::Binary:
    return typeBinary(expr);
  case Expr::Kind::Reduce:
    return typeReduce(*expr, statement);
  case Expr::Kind::Rescale:
    return typeRescale(*expr);
  case Expr::Kind::Select:
    return typeSelect(*expr);
  }
  llvm_unreachable("all expression kinds are handled");
}

/// Records the range of an integer expression, if it is one.
bool OpChecker::setRange(Expr &expr, Interval range) {
  if (!range.fitsInt64()) {
    diags.error(expr.loc, rangeOf(expr),
                "value ranges over " + range.str() +
                    ", which does not fit a 64-bit integer; narrow the inputs "
                    "with 'in [lo, hi]' or the value with clamp(...)");
    return false;
  }
  expr.range = range.toRange();
  return true;
}

bool OpChecker::requireInteger(const Expr &expr, const char *what) {
  if (!expr.isFloat) {
    return true;
  }
  diags.error(expr.loc, rangeOf(expr),
              Twine(what) + " must be an integer, found f32; convert it with "
                            "round, floor, ceil or trunc");
  return false;
}

void OpChecker::makeFloat(ExprPtr &expr) {
  if (expr->isFloat) {
    return;
  }
  if (expr->kind == Expr::Kind::Int) {
    expr->kind = Expr::Kind::Float;
    expr->isFloat = true;
    expr->floatValue = static_cast<float>(expr->intValue);
    return;
  }
  ExprPtr converted = makeExpr(Expr::Kind::Unary, expr->loc, rangeOf(*expr));
  converted->unaryOp = UnaryOp::ToFloat;
  converted->isFloat = true;
  converted->operands.push_back(std::move(expr));
  expr = std::move(converted);
}

bool OpChecker::typeRead(Expr &expr, const ast::Statement &statement) {
  const ast::Tensor &tensor = op.tensors[expr.tensor];
  if (tensorInfos[expr.tensor].isBroken) {
    return false;
  }
  bool ok = true;
  for (unsigned dim = 0; dim != expr.subscripts.size(); ++dim) {
    ok &= !expr.subscripts[dim].computed || typeComputed(expr, dim, statement);
  }
  expr.isFloat = tensor.type.isFloat();
  if (expr.isFloat) {
    return ok;
  }
  Interval range = tensor.range;
  if (const std::optional<ast::Padding> &padding = expr.padding) {
    range = join(range, padding->kind == ast::Padding::Kind::Value
                            ? Interval(padding->value, padding->value)
                            : Interval(op.tensors[padding->tensor].range));
  }
  return setRange(expr, range) && ok;
}

static bool hasRead(const Expr &expr) {
  return expr.kind == Expr::Kind::Read ||
         llvm::any_of(expr.operands,
                      [](const ExprPtr &operand) { return hasRead(*operand); });
}

/// A subscript that is an expression stays inside, or the tensor has a padding.
bool OpChecker::typeComputed(Expr &read, unsigned dim,
                             const ast::Statement &statement) {
  const Expr &subscript = *read.subscripts[dim].computed;
  if (!requireInteger(subscript, "a subscript")) {
    return false;
  }
  if (hasRead(subscript)) {
    return typeLookup(read, dim);
  }
  const Interval range = subscript.range;
  const ast::Extent &extent = op.tensors[read.tensor].shape[dim];
  if (extent.isStatic() && range.within(0, extent.size - 1)) {
    return true;
  }
  return allowOutside(read, dim, range,
                      "subscript ranges over " + range.str() +
                          " but dimension " + Twine(dim) + " of " +
                          quoted(*sourceInfos[&read].binding) + " has extent " +
                          format(extent)) &&
         type(read.subscripts[dim].computed, statement);
}

bool OpChecker::typeLookup(const Expr &read, unsigned dim) {
  const SourceInfo &info = sourceInfos[&read];
  llvm::SMRange place = info.subscripts[dim];
  Interval range = read.subscripts[dim].computed->range;
  const ast::Extent &extent = op.tensors[read.tensor].shape[dim];
  if (!extent.isStatic() || !range.within(0, extent.size - 1)) {
    diags.error(place, "look-up subscript ranges over " + range.str() +
                           " but dimension " + Twine(dim) + " of " +
                           quoted(*info.binding) + " has extent " +
                           format(extent));
    diags.note(info.binding->range, quoted(*info.binding) +
                                        " is declared here; look-ups are not "
                                        "padded, use clamp(...)");
    return false;
  }
  return true;
}

bool OpChecker::typeSelect(Expr &expr) {
  const Expr &condition = *expr.operands[0];
  ExprPtr &a = expr.operands[1];
  ExprPtr &b = expr.operands[2];
  if (!requireInteger(condition, "the condition of 'select'")) {
    return false;
  }
  if (a->isFloat || b->isFloat) {
    makeFloat(a);
    makeFloat(b);
    expr.isFloat = true;
    return true;
  }
  const Interval taken = condition.range;
  const bool isNever = taken == Interval(0, 0);
  return setRange(expr, isNever             ? Interval(b->range)
                        : taken.contains(0) ? join(a->range, b->range)
                                            : Interval(a->range));
}

bool OpChecker::typeRescale(Expr &expr) {
  struct Rule {
    const char *what;
    Interval range;
  };
  const Rule rules[] = {
      {"the first argument of 'rescale'", {INT32_MIN, INT32_MAX}},
      {"the multiplier of 'rescale'", {0, INT32_MAX}},
      {"the shift of 'rescale'", {-31, 30}},
  };
  bool ok = true;
  for (auto [rule, operand] : llvm::zip(rules, expr.operands)) {
    if (!requireInteger(*operand, rule.what)) {
      ok = false;
      continue;
    }
    Interval range = operand->range;
    if (!range.within(rule.range.lo, rule.range.hi)) {
      diags.error(operand->loc, rangeOf(*operand),
                  Twine(rule.what) + " ranges over " + range.str() +
                      " but must lie in " + rule.range.str());
      ok = false;
    }
  }
  return ok && setRange(expr, {INT32_MIN, INT32_MAX});
}
