// Reductions: their indices, and the range of what they give.
#include "operators/frontend/ConstantSums.h"
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/ScopeExit.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::Expr;
using ast::ExprPtr;
using llvm::Twine;

ExprPtr OpChecker::lowerReduce(const Node &node) {
  if (scope->inSubscript) {
    diags.error(node.range, "a reduction cannot stand in a subscript; assign "
                            "it to an intermediate first");
    return nullptr;
  }
  bool isIndex = node.reduceOp >= ast::ReduceOp::ArgMax;
  if (isIndex && node.bound.size() != 1) {
    diags.error(node.range, "'" + node.name + "' takes one index, found " +
                                Twine(node.bound.size()));
    return nullptr;
  }
  ExprPtr expr = makeExpr(Expr::Kind::Reduce, node.loc, node.range);
  expr->reduceOp = node.reduceOp;
  size_t visibleOutside = scope->visible.size();
  llvm::scope_exit leave([&] {
    scope->visible.resize(visibleOutside);
    --scope->reductions;
  });
  ++scope->reductions;
  bool ok = lowerBoundIndices(node, *expr);
  // After a wrong index the body would only give follow-up errors.
  ExprPtr body = ok ? lower(*node.children[0]) : nullptr;
  if (!body) {
    return nullptr;
  }
  expr->operands.push_back(std::move(body));
  return expr;
}

/// `k <= i`: k goes up to the value of i, so that both have one extent.
bool OpChecker::limitIndex(const Node &reduce, const BoundIndex &bound,
                           unsigned index) {
  if (reduce.bound.size() != 1) {
    diags.error(bound.last->range,
                "an index that goes up to another one stands alone in its "
                "list; nest the reductions");
    return false;
  }
  const std::optional<unsigned> last = findIndex(bound.last->text);
  if (!last || *last == index) {
    diags.error(bound.last->range,
                "'" + bound.last->text +
                    "' is no index of the left-hand side or of a reduction "
                    "around this one");
    return false;
  }
  scope->statement->indices[index].last = last;
  extents.unify(scope->unknowns[index], scope->unknowns[*last], bound.name.text,
                bound.last->range);
  return true;
}

bool OpChecker::lowerBoundIndices(const Node &node, Expr &reduce) {
  bool ok = true;
  for (const BoundIndex &bound : node.bound) {
    std::optional<unsigned> index = addIndex(bound.name, /*isReduction=*/true);
    if (!index) {
      ok = false;
      continue;
    }
    reduce.indices.push_back(*index);
    if (bound.last) {
      ok &= limitIndex(node, bound, *index);
    }
    if (!bound.extent) {
      continue;
    }
    std::optional<int64_t> extent =
        resolveExtent(*bound.extent, instance->constants, diags);
    if (!extent) {
      ok = false;
      continue;
    }
    extents.bind(
        scope->unknowns[*index], bound.name.text,
        {{*extent}, "the list of '" + node.name + "'", bound.extent->range});
  }
  return ok;
}

bool OpChecker::typeReduce(Expr &expr, const ast::Statement &statement) {
  const Expr &term = *expr.operands[0];
  if (expr.reduceOp >= ast::ReduceOp::ArgMax) {
    int64_t size = statement.indices[expr.indices[0]].extent.size;
    return setRange(expr, Interval(0, std::max<int64_t>(size, 1) - 1));
  }
  expr.isFloat = term.isFloat;
  if (expr.isFloat) {
    return true;
  }
  if (expr.reduceOp == ast::ReduceOp::Max ||
      expr.reduceOp == ast::ReduceOp::Min) {
    return setRange(expr, term.range);
  }
  const bool isPrefix = statement.indices[expr.indices[0]].last.has_value();
  const bool isSum = expr.reduceOp == ast::ReduceOp::Sum;
  if (const auto range = isSum && !isPrefix
                             ? rangeOfConstantSum(op, statement, expr)
                             : std::nullopt) {
    return setRange(expr, *range);
  }
  Int128 most = 1;
  Int128 fewest = 1;
  for (unsigned index : expr.indices) {
    const ast::Extent &extent = statement.indices[index].extent;
    most *= extent.size;
    fewest *= isPrefix ? 1 : extent.isStatic() ? extent.size : 0;
  }
  return setRange(expr, expr.reduceOp == ast::ReduceOp::Product
                            ? productOf(term.range, fewest, most)
                            : sumOf(term.range, fewest, most));
}
