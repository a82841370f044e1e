// Second step of the checker: every statement becomes a tree in which names are
// ids and subscripts affine forms. Along the way each lone index adds an
// equation between extents. Types and ranges are left to the fourth step, which
// needs extents.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using ast::Expr;
using ast::ExprPtr;
using llvm::Twine;

bool OpChecker::lowerStatements() {
  unsigned errors = diags.numErrors();
  op.statements.resize(decl.statements.size());
  scopes.resize(decl.statements.size());
  for (auto [number, statement] : llvm::enumerate(decl.statements)) {
    lowerStatement(statement, number);
  }
  // A statement can be missing without an error: its parameter was reported.
  return !failedSince(errors) &&
         llvm::all_of(op.statements, [](const ast::Statement &statement) {
           return statement.value != nullptr;
         });
}

void OpChecker::lowerStatement(const StatementDecl &decl, unsigned number) {
  scope = &scopes[number];
  scope->statement = &op.statements[number];
  scope->number = number;
  scope->statement->loc = decl.target.range.Start;
  scope->statement->tensor = tensorIds[decl.target.text];
  if (lowerTarget(decl)) {
    scope->statement->value = lower(*decl.value);
  }
}

/// False if an index of the left-hand side is missing: then the right-hand side
/// would only give follow-up errors.
bool OpChecker::lowerTarget(const StatementDecl &decl) {
  unsigned id = scope->statement->tensor;
  const ast::Tensor &tensor = op.tensors[id];
  TensorInfo &info = tensorInfos[id];
  if (decl.indices.size() != tensor.shape.size()) {
    diags.error(decl.target.range,
                quoted(id) + " has " + Twine(tensor.shape.size()) +
                    " dimension(s) but is assigned with " +
                    Twine(decl.indices.size()) + " index(es)");
    diags.note(info.range, quoted(id) + " is declared here");
    return false;
  }
  bool ok = true;
  for (auto [dim, name] : llvm::enumerate(decl.indices)) {
    std::optional<unsigned> index = addIndex(name, /*isReduction=*/false);
    if (!index) {
      info.dimensions.push_back(extents.add());
      ok = false;
      continue;
    }
    if (tensor.role == ast::Role::Intermediate) {
      info.dimensions.push_back(scope->unknowns[*index]);
    } else {
      equateExtents(name.text, scope->unknowns[*index], id, dim, name.range);
    }
  }
  return ok;
}

std::optional<unsigned> OpChecker::findIndex(llvm::StringRef name) const {
  for (unsigned index : scope->visible) {
    if (scope->statement->indices[index].name == name) {
      return index;
    }
  }
  return std::nullopt;
}

std::optional<unsigned> OpChecker::addIndex(const Name &name,
                                            bool isReduction) {
  ast::Statement &statement = *scope->statement;
  if (!checkName(name, "index")) {
    return std::nullopt;
  }
  if (std::optional<unsigned> earlier = findIndex(name.text)) {
    diags.error(name.range,
                "index '" + name.text +
                    (isReduction ? "' is already in use here"
                                 : "' stands twice on the left-hand "
                                   "side"));
    llvm::SMLoc loc = statement.indices[*earlier].loc;
    diags.note({loc, loc}, "first used here; choose another name");
    return std::nullopt;
  }
  if (statement.indices.size() == maxIndices) {
    diags.error(name.range,
                "a statement has at most " + Twine(maxIndices) + " indices");
    return std::nullopt;
  }
  unsigned index = statement.indices.size();
  statement.indices.push_back({name.text, {}, isReduction, name.range.Start});
  scope->unknowns.push_back(extents.add());
  scope->visible.push_back(index);
  return index;
}

/// A lone index ranges over the dimension it stands in.
void OpChecker::equateExtents(const std::string &index, unsigned unknown,
                              unsigned tensor, unsigned dim,
                              llvm::SMRange range) {
  if (op.tensors[tensor].role == ast::Role::Intermediate) {
    extents.unify(unknown, tensorInfos[tensor].dimensions[dim], index, range);
    return;
  }
  extents.bind(unknown, index,
               {op.tensors[tensor].shape[dim],
                "dimension " + std::to_string(dim) + " of " + quoted(tensor),
                range});
}

ExprPtr OpChecker::lower(const Node &node) {
  switch (node.kind) {
  case Node::Kind::Int: {
    ExprPtr expr = makeExpr(Expr::Kind::Int, node.loc, node.range);
    expr->intValue = node.intValue;
    return expr;
  }
  case Node::Kind::Float: {
    ExprPtr expr = makeExpr(Expr::Kind::Float, node.loc, node.range);
    expr->floatValue = node.floatValue;
    return expr;
  }
  case Node::Kind::Name:
    return lowerName(node);
  case Node::Kind::Call:
    return lowerCall(node);
  case Node::Kind::Reduce:
    return lowerReduce(node);
  case Node::Kind::Negate:
  case Node::Kind::Binary:
    break;
  }
  bool isBinary = node.kind == Node::Kind::Binary;
  ExprPtr expr = makeExpr(isBinary ? Expr::Kind::Binary : Expr::Kind::Unary,
                          node.loc, node.range);
  expr->binaryOp = node.binaryOp;
  for (const NodePtr &child : node.children) {
    expr->operands.push_back(lower(*child));
  }
  return llvm::all_of(expr->operands, [](const ExprPtr &e) { return !!e; })
             ? std::move(expr)
             : nullptr;
}

ExprPtr OpChecker::lowerName(const Node &node) {
  if (auto it = tensorIds.find(node.name); it != tensorIds.end()) {
    return lowerRead(node, it->second);
  }
  if (const ParamTable::Entry *param = constants.table().find(node.name)) {
    if (node.hasSubscripts) {
      diags.error(node.range,
                  "'" + node.name + "' is a parameter and has no subscripts");
      diags.note(param->name.range, "the parameter is declared here");
      return nullptr;
    }
    std::optional<int64_t> value = constants.useParam(node.name);
    if (!value) {
      return nullptr;
    }
    ExprPtr expr = makeExpr(Expr::Kind::Int, node.loc, node.range);
    expr->intValue = *value;
    return expr;
  }
  if (!node.hasSubscripts && findIndex(node.name)) {
    diags.error(node.range, "index '" + node.name +
                                "' is no value; an index stands in subscripts "
                                "only");
    return nullptr;
  }
  diags.error(node.range, "unknown name '" + node.name + "'");
  return nullptr;
}

ExprPtr OpChecker::lowerRead(const Node &node, unsigned tensor) {
  TensorInfo &info = tensorInfos[tensor];
  info.isRead = true;
  const ast::Tensor &read = op.tensors[tensor];
  int number = scope->number;
  const bool isGiven =
      read.role == ast::Role::Input || read.role == ast::Role::Constant;
  if (!isGiven && (info.definedBy < 0 || info.definedBy >= number)) {
    diags.error(node.range,
                quoted(tensor) + (info.definedBy == number
                                      ? " is read in its own definition"
                                      : " is read before it is assigned"));
    if (info.definedBy >= 0) {
      diags.note(decl.statements[info.definedBy].target.range, "assigned here");
    }
    return nullptr;
  }
  if (read.shape.size() != node.children.size()) {
    diags.error(node.range, quoted(tensor) + " has " +
                                Twine(read.shape.size()) +
                                " dimension(s) but is read with " +
                                Twine(node.children.size()) + " subscript(s)");
    diags.note(info.range, quoted(tensor) + " is declared here");
    return nullptr;
  }
  ExprPtr expr = makeExpr(Expr::Kind::Read, node.loc, node.range);
  expr->tensor = tensor;
  expr->subscripts.resize(node.children.size());
  bool ok = true;
  for (auto [dim, child] : llvm::enumerate(node.children)) {
    ok &= lowerSubscript(*child, tensor, dim, expr->subscripts[dim]);
    sourceInfos[expr.get()].subscripts.push_back(child->range);
  }
  return ok ? std::move(expr) : nullptr;
}

ExprPtr OpChecker::lowerCall(const Node &node) {
  unsigned arity = arityOf(node.function);
  if (node.children.size() != arity) {
    diags.error(node.range, "'" + node.name + "' takes " + Twine(arity) +
                                " argument(s), found " +
                                Twine(node.children.size()));
    return nullptr;
  }
  if (node.function == Function::Random && scope->reductions != 0) {
    diags.error(node.range,
                "'random' cannot stand inside a reduction: it gives one "
                "number per element of the target");
    return nullptr;
  }
  std::vector<ExprPtr> arguments;
  for (const NodePtr &child : node.children) {
    arguments.push_back(lower(*child));
  }
  if (!llvm::all_of(arguments, [](const ExprPtr &e) { return !!e; })) {
    return nullptr;
  }
  return expandCall(node, std::move(arguments));
}

static ast::UnaryOp unaryOpOf(Function function) {
  switch (function) {
  case Function::Round:
    return ast::UnaryOp::Round;
  case Function::Floor:
    return ast::UnaryOp::Floor;
  case Function::Ceil:
    return ast::UnaryOp::Ceil;
  case Function::Trunc:
    return ast::UnaryOp::Trunc;
  case Function::Abs:
    return ast::UnaryOp::Abs;
  case Function::Wrap:
    return ast::UnaryOp::Wrap32;
  case Function::Random:
    return ast::UnaryOp::Random;
  case Function::ToFloat:
    return ast::UnaryOp::ToFloat;
  default:
    llvm_unreachable("not a unary function");
  }
}

/// relu(x) = max(x, 0) and clamp(x, lo, hi) = min(max(x, lo), hi); the rest map
/// to one node.
ExprPtr OpChecker::expandCall(const Node &node,
                              std::vector<ExprPtr> arguments) {
  auto make = [&](Expr::Kind kind) {
    return makeExpr(kind, node.loc, node.range);
  };
  auto makeBinary = [&](BinaryOp op, ExprPtr a, ExprPtr b) {
    ExprPtr expr = make(Expr::Kind::Binary);
    expr->binaryOp = op;
    expr->operands.push_back(std::move(a));
    expr->operands.push_back(std::move(b));
    return expr;
  };
  if (std::optional<BinaryOp> op = binaryOpOf(node.function)) {
    return makeBinary(*op, std::move(arguments[0]), std::move(arguments[1]));
  }
  switch (node.function) {
  case Function::Relu:
    return makeBinary(BinaryOp::Max, std::move(arguments[0]),
                      make(Expr::Kind::Int));
  case Function::Clamp:
    return makeBinary(BinaryOp::Min,
                      makeBinary(BinaryOp::Max, std::move(arguments[0]),
                                 std::move(arguments[1])),
                      std::move(arguments[2]));
  case Function::Rescale: {
    ExprPtr expr = make(Expr::Kind::Rescale);
    for (ExprPtr &argument : arguments) {
      expr->operands.push_back(std::move(argument));
    }
    return expr;
  }
  default: {
    ExprPtr expr = make(Expr::Kind::Unary);
    expr->unaryOp = unaryOpOf(node.function);
    expr->operands.push_back(std::move(arguments[0]));
    return expr;
  }
  }
}

ExprPtr OpChecker::lowerReduce(const Node &node) {
  if (scope->inLookup) {
    diags.error(node.range,
                "a reduction cannot stand in a look-up subscript; assign it to "
                "an intermediate first");
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

bool OpChecker::lowerBoundIndices(const Node &node, Expr &reduce) {
  bool ok = true;
  for (const BoundIndex &bound : node.bound) {
    std::optional<unsigned> index = addIndex(bound.name, /*isReduction=*/true);
    if (!index) {
      ok = false;
      continue;
    }
    reduce.indices.push_back(*index);
    if (!bound.extent) {
      continue;
    }
    std::optional<int64_t> extent =
        resolveExtent(*bound.extent, constants, diags);
    if (!extent) {
      ok = false;
      continue;
    }
    extents.bind(scope->unknowns[*index], bound.name.text,
                 {{*extent, -1},
                  "the list of '" + node.name + "'",
                  bound.extent->range});
  }
  return ok;
}
