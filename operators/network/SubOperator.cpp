// Copying a part of a checked tree. See SubOperator.h.
#include "operators/network/SubOperator.h"
#include "operators/network/Layers.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <numeric>
#include <set>

namespace lpgen {

namespace {
class Extraction {
public:
  explicit Extraction(const ast::Op &from)
      : from(from), numbers(from.tensors.size(), none) {}
  SubOperator run(llvm::ArrayRef<unsigned> statements,
                  llvm::ArrayRef<unsigned> outputs);
  /// All of it, with the same numbers.
  ast::Op all();

private:
  static constexpr unsigned none = ~0U;

  void add(unsigned tensor, ast::Role role);
  std::string identifierFor(const std::string &name);
  ast::ExprPtr copy(const ast::Expr &expr) const;
  ast::Padding copy(ast::Padding padding) const {
    if (padding.kind == ast::Padding::Kind::Scalar ||
        padding.kind == ast::Padding::Kind::Channel) {
      padding.tensor = numbers[padding.tensor];
    }
    return padding;
  }

  const ast::Op &from;
  SubOperator result;
  std::vector<unsigned> numbers; ///< For each tensor of `from` its new one.
  std::set<std::string> names;
};
} // namespace

/// Paths of calls have dots, which C has not.
std::string Extraction::identifierFor(const std::string &name) {
  std::string text = name;
  llvm::replace(text, '.', '_');
  while (!names.insert(text).second) {
    text += '_';
  }
  return text;
}

void Extraction::add(unsigned tensor, ast::Role role) {
  numbers[tensor] = unsigned(result.origins.size());
  result.origins.push_back(tensor);
  ast::Tensor &copied = result.op.tensors.emplace_back(from.tensors[tensor]);
  if (role == ast::Role::Input && copied.role != role &&
      !copied.type.isFloat()) {
    copied.hasDeclaredRange = true;
  }
  copied.role = role;
  copied.name = role == ast::Role::Input || role == ast::Role::Output
                    ? identifierFor(copied.name)
                    : copied.name;
}

ast::ExprPtr Extraction::copy(const ast::Expr &expr) const {
  auto copied = std::make_unique<ast::Expr>();
  copied->kind = expr.kind;
  copied->loc = expr.loc;
  copied->isFloat = expr.isFloat;
  copied->range = expr.range;
  copied->intValue = expr.intValue;
  copied->floatValue = expr.floatValue;
  copied->unaryOp = expr.unaryOp;
  copied->function = expr.function;
  copied->binaryOp = expr.binaryOp;
  copied->reduceOp = expr.reduceOp;
  copied->indices = expr.indices;
  copied->size = expr.size;
  if (expr.kind == ast::Expr::Kind::Read) {
    copied->tensor = numbers[expr.tensor];
  }
  if (expr.padding) {
    copied->padding = copy(*expr.padding);
  }
  for (const ast::Subscript &subscript : expr.subscripts) {
    copied->subscripts.push_back(
        {subscript.affine,
         subscript.computed ? copy(*subscript.computed) : ast::ExprPtr()});
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    copied->operands.push_back(copy(*operand));
  }
  return copied;
}

ast::Op Extraction::all() {
  ast::Op op;
  op.name = from.name;
  op.symbols = from.symbols;
  op.computedSizes = from.computedSizes;
  op.tensors = from.tensors;
  op.parameters = from.parameters;
  op.isIncluded = from.isIncluded;
  op.loc = from.loc;
  std::iota(numbers.begin(), numbers.end(), 0U);
  for (const ast::Statement &statement : from.statements) {
    op.statements.push_back({statement.tensor, statement.indices,
                             copy(*statement.value), statement.loc});
  }
  return op;
}

SubOperator Extraction::run(llvm::ArrayRef<unsigned> statements,
                            llvm::ArrayRef<unsigned> outputs) {
  std::set<unsigned> read;
  std::set<unsigned> assigned;
  for (const unsigned number : statements) {
    const ast::Statement &statement = from.statements[number];
    assigned.insert(statement.tensor);
    forEachRead(statement, [&](unsigned tensor) { read.insert(tensor); });
  }
  const auto isConstant = [&](unsigned tensor) {
    return from.tensors[tensor].role == ast::Role::Constant;
  };
  for (const unsigned tensor : read) {
    if (!assigned.contains(tensor) && !isConstant(tensor)) {
      add(tensor, ast::Role::Input);
    }
  }
  for (const unsigned tensor : outputs) {
    add(tensor, ast::Role::Output);
  }
  for (const unsigned tensor : assigned) {
    if (!llvm::is_contained(outputs, tensor)) {
      add(tensor, ast::Role::Intermediate);
    }
  }
  for (const unsigned tensor : read) {
    if (isConstant(tensor)) {
      add(tensor, ast::Role::Constant);
    }
  }
  ast::Op &op = result.op;
  for (ast::Tensor &tensor : op.tensors) {
    // Reads have paddings of their own; that of a declaration may name what
    // nothing here reads.
    tensor.padding.reset();
  }
  op.name = from.name;
  op.symbols = from.symbols;
  op.computedSizes = from.computedSizes;
  op.parameters = from.parameters;
  op.loc = from.loc;
  for (const unsigned number : statements) {
    const ast::Statement &statement = from.statements[number];
    op.statements.push_back({numbers[statement.tensor], statement.indices,
                             copy(*statement.value), statement.loc});
  }
  return std::move(result);
}

SubOperator makeSubOperator(const ast::Op &op,
                            llvm::ArrayRef<unsigned> statements,
                            llvm::ArrayRef<unsigned> outputs) {
  return Extraction(op).run(statements, outputs);
}

ast::Op copyOf(const ast::Op &op) { return Extraction(op).all(); }

} // namespace lpgen
