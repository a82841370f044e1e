// Second step of the checker: every statement becomes a tree in which names are
// ids and subscripts affine forms. Along the way each lone index adds an
// equation between extents. Types and ranges are left to the fourth step, which
// needs extents.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::Expr;
using ast::ExprPtr;
using llvm::Twine;

/// Lowers the statements of the operator whose text is checked. What they call
/// is lowered in their place.
bool OpChecker::lowerBody() {
  unsigned errors = diags.numErrors();
  bindTargets();
  declareConstants();
  if (failedSince(errors) || isDeclarationBroken) {
    return false;
  }
  bool isComplete = true;
  for (const StatementDecl &statement : instance->decl.statements) {
    if (isTooLarge || diags.tooManyErrors()) {
      return false;
    }
    isComplete &=
        statement.call ? inlineCall(statement) : lowerStatement(statement);
  }
  return isComplete && !failedSince(errors);
}

/// False if the statement is left out: for an error, or because the parameter
/// that it uses was reported.
bool OpChecker::lowerStatement(const StatementDecl &decl) {
  if (op.statements.size() >= maxStatements) {
    diags.error(instances[0]->decl.name.range,
                "operator '" + op.name + "' has more than " +
                    Twine(maxStatements) +
                    " statements with those of what it calls");
    isTooLarge = true;
    return false;
  }
  Binding &target = *instance->find(decl.targets[0].name.text);
  ast::Statement &statement = op.statements.emplace_back();
  scope = &scopes.emplace_back();
  scope->instance = instance;
  scope->target = &target;
  scope->statement = &statement;
  statement.loc = target.assignedAt.Start;
  statement.tensor = target.tensor;
  target.state = Binding::State::BeingAssigned;
  if (lowerTarget(decl, target)) {
    statement.value = lower(*decl.value);
  }
  target.state = Binding::State::Assigned;
  return statement.value != nullptr;
}

/// False if an index of the left-hand side is missing: then the right-hand side
/// would only give follow-up errors.
bool OpChecker::lowerTarget(const StatementDecl &decl, const Binding &target) {
  unsigned id = target.tensor;
  const ast::Tensor &tensor = op.tensors[id];
  TensorInfo &info = tensorInfos[id];
  if (decl.indices.size() != tensor.shape.size()) {
    diags.error(target.assignedAt,
                quoted(target) + " has " + Twine(tensor.shape.size()) +
                    " dimension(s) but is assigned with " +
                    Twine(decl.indices.size()) + " index(es)");
    diags.note(target.range, quoted(target) + " is declared here");
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
    if (info.hasShape) {
      equateExtents(name.text, scope->unknowns[*index], target, dim,
                    name.range);
    } else {
      info.dimensions.push_back(scope->unknowns[*index]);
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
                              const Binding &binding, unsigned dim,
                              llvm::SMRange range) {
  unsigned tensor = binding.tensor;
  if (!tensorInfos[tensor].hasShape) {
    extents.unify(unknown, tensorInfos[tensor].dimensions[dim], index, range);
    return;
  }
  extents.bind(unknown, index,
               {op.tensors[tensor].shape[dim],
                "dimension " + std::to_string(dim) + " of " + quoted(binding),
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
  case Node::Kind::Size:
    return lowerSize(node);
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

ExprPtr OpChecker::lowerSize(const Node &node) {
  const ast::Extent *extent = findSize(node);
  if (!extent) {
    return nullptr;
  }
  if (extent->isStatic()) {
    return makeInt(extent->size, node.range);
  }
  ExprPtr expr = makeExpr(Expr::Kind::Size, node.loc, node.range);
  expr->size = *extent;
  return expr;
}

ExprPtr OpChecker::lowerName(const Node &node) {
  if (isSize(node)) {
    return lowerSize(node);
  }
  if (Binding *binding = instance->find(node.name)) {
    return lowerRead(node, *binding);
  }
  if (const ParamTable::Entry *param = instance->params.find(node.name)) {
    if (node.hasSubscripts) {
      diags.error(node.range,
                  "'" + node.name + "' is a parameter and has no subscripts");
      diags.note(param->name.range, "the parameter is declared here");
      return nullptr;
    }
    std::optional<int64_t> value = instance->constants.useParam(node.name);
    if (!value) {
      return nullptr;
    }
    ExprPtr expr = makeExpr(Expr::Kind::Int, node.loc, node.range);
    expr->intValue = *value;
    return expr;
  }
  if (std::optional<unsigned> index = findIndex(node.name)) {
    if (node.hasSubscripts) {
      diags.error(node.range,
                  "'" + node.name + "' is an index and has no subscripts");
      return nullptr;
    }
    ExprPtr expr = makeExpr(Expr::Kind::Index, node.loc, node.range);
    expr->indices.push_back(*index);
    return expr;
  }
  diags.error(node.range, "unknown name '" + node.name + "'");
  return nullptr;
}

/// True if `binding` can be read now. False without an error if its statement
/// failed.
bool OpChecker::checkReadable(Binding &binding, llvm::SMRange range) {
  binding.isRead = true;
  if (binding.state == Binding::State::Assigned) {
    return !tensorInfos[binding.tensor].isBroken;
  }
  bool isOwn = binding.state == Binding::State::BeingAssigned;
  diags.error(range,
              quoted(binding) + (isOwn ? " is read in its own definition"
                                       : " is read before it is assigned"));
  if (binding.assignedAt.isValid()) {
    diags.note(binding.assignedAt, "assigned here");
  }
  return false;
}

ExprPtr OpChecker::lowerRead(const Node &node, Binding &binding) {
  unsigned tensor = binding.tensor;
  const ast::Tensor &read = op.tensors[tensor];
  if (!checkReadable(binding, node.range)) {
    return nullptr;
  }
  if (read.shape.size() != node.children.size()) {
    diags.error(node.range, quoted(binding) + " has " +
                                Twine(read.shape.size()) +
                                " dimension(s) but is read with " +
                                Twine(node.children.size()) + " subscript(s)");
    diags.note(binding.range, quoted(binding) + " is declared here");
    return nullptr;
  }
  ExprPtr expr = makeExpr(Expr::Kind::Read, node.loc, node.range);
  expr->tensor = tensor;
  sourceInfos[expr.get()].binding = &binding;
  expr->subscripts.resize(node.children.size());
  bool ok = true;
  for (auto [dim, child] : llvm::enumerate(node.children)) {
    ok &= lowerSubscript(*child, binding, dim, expr->subscripts[dim]);
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
