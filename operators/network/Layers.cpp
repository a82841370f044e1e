// Grouping the statements of an operator by layers. See Layers.h.
#include "operators/network/Layers.h"
#include "llvm/ADT/STLExtras.h"
#include <map>
#include <optional>
#include <set>

namespace lpgen {

/// Calls `visit` for `expr` and all expressions in it.
static void forEachExpr(const ast::Expr &expr,
                        llvm::function_ref<void(const ast::Expr &)> visit) {
  visit(expr);
  for (const ast::Subscript &subscript : expr.subscripts) {
    if (subscript.computed) {
      forEachExpr(*subscript.computed, visit);
    }
  }
  for (const ast::ExprPtr &operand : expr.operands) {
    forEachExpr(*operand, visit);
  }
}

void forEachRead(const ast::Statement &statement,
                 llvm::function_ref<void(unsigned tensor)> visit) {
  forEachExpr(*statement.value, [&](const ast::Expr &expr) {
    if (expr.kind == ast::Expr::Kind::Read) {
      visit(expr.tensor);
      if (expr.padding && (expr.padding->kind == ast::Padding::Kind::Scalar ||
                           expr.padding->kind == ast::Padding::Kind::Channel)) {
        visit(expr.padding->tensor);
      }
    }
  });
}

static bool hasReduction(const ast::Statement &statement) {
  bool found = false;
  forEachExpr(*statement.value, [&](const ast::Expr &expr) {
    found |= expr.kind == ast::Expr::Kind::Reduce;
  });
  return found;
}

/// True if a sum of products stands in the statement.
static bool hasProducts(const ast::Statement &statement) {
  bool found = false;
  forEachExpr(*statement.value, [&](const ast::Expr &expr) {
    if (expr.kind == ast::Expr::Kind::Reduce &&
        expr.reduceOp == ast::ReduceOp::Sum) {
      const ast::Expr &body = *expr.operands.front();
      found |= body.kind == ast::Expr::Kind::Binary &&
               body.binaryOp == ast::BinaryOp::Mul;
    }
  });
  return found;
}

bool hasLayers(const ast::Op &op) {
  const bool hasCalls = llvm::any_of(op.tensors, [](const ast::Tensor &tensor) {
    return llvm::StringRef(tensor.name).contains('.');
  });
  return layersOf(op).size() > 1 &&
         (hasCalls || llvm::count_if(op.statements, hasProducts) > 1);
}

/// The path of the calls that a tensor's name begins with; "" outside calls.
static llvm::StringRef pathOf(const ast::Tensor &tensor) {
  const llvm::StringRef name = tensor.name;
  return name.contains('.') ? name.rsplit('.').first : "";
}

/// The results of calls that call nothing: `b` if there is `b.acc`, but nothing
/// in that.
static std::set<std::string> leafResults(const ast::Op &op) {
  std::set<std::string> paths;
  std::set<std::string> inner; // Paths that have calls in them.
  for (const ast::Tensor &tensor : op.tensors) {
    llvm::StringRef path = pathOf(tensor);
    paths.insert(path.str());
    while (path.contains('.')) {
      path = path.rsplit('.').first;
      inner.insert(path.str());
    }
  }
  std::set<std::string> results;
  for (const ast::Tensor &tensor : op.tensors) {
    if (paths.contains(tensor.name) && !inner.contains(tensor.name)) {
      results.insert(tensor.name);
    }
  }
  return results;
}

/// The one of `leaves` whose call the statement is a part of: it assigns what
/// the call calls its own or its first result, or, as a further result, reads
/// what the call calls its own.
static std::optional<std::string> leafOf(const ast::Op &op,
                                         const ast::Statement &statement,
                                         const std::set<std::string> &leaves) {
  const ast::Tensor &target = op.tensors[statement.tensor];
  if (leaves.contains(target.name)) {
    return target.name;
  }
  std::optional<std::string> found;
  const auto look = [&](unsigned tensor) {
    const std::string path = pathOf(op.tensors[tensor]).str();
    if (leaves.contains(path)) {
      found = path;
    }
  };
  look(statement.tensor);
  if (!found) {
    forEachRead(statement, look);
  }
  return found;
}

/// For each tensor the numbers of the statements that read it.
static std::vector<std::vector<unsigned>> readersOf(const ast::Op &op) {
  std::vector<std::vector<unsigned>> readers(op.tensors.size());
  for (unsigned number = 0; number < op.statements.size(); ++number) {
    forEachRead(op.statements[number], [&](unsigned tensor) {
      if (!llvm::is_contained(readers[tensor], number)) {
        readers[tensor].push_back(number);
      }
    });
  }
  return readers;
}

/// The statement with whose result each statement is in one layer; often
/// itself.
static std::vector<unsigned>
lastStatements(const ast::Op &op,
               const std::vector<std::vector<unsigned>> &readers) {
  const std::set<std::string> leaves = leafResults(op);
  std::map<std::string, unsigned> lastOfLeaf;
  std::vector<unsigned> last(op.statements.size());
  for (unsigned number = unsigned(op.statements.size()); number-- > 0;) {
    const ast::Tensor &target = op.tensors[op.statements[number].tensor];
    last[number] = number;
    if (const auto leaf = leafOf(op, op.statements[number], leaves)) {
      last[number] = lastOfLeaf.insert({*leaf, number}).first->second;
      continue;
    }
    const std::vector<unsigned> &users = readers[op.statements[number].tensor];
    const bool isExact = target.type.bits >= 32;
    if (target.role == ast::Role::Intermediate && isExact &&
        users.size() == 1 && !hasReduction(op.statements[users[0]])) {
      last[number] = last[users[0]];
    }
  }
  return last;
}

std::vector<Layer> layersOf(const ast::Op &op) {
  const std::vector<std::vector<unsigned>> readers = readersOf(op);
  const std::vector<unsigned> last = lastStatements(op, readers);
  std::map<unsigned, Layer> byLast;
  for (unsigned number = 0; number < op.statements.size(); ++number) {
    byLast[last[number]].statements.push_back(number);
  }
  std::vector<Layer> layers;
  for (auto &[number, layer] : byLast) {
    for (const unsigned statement : layer.statements) {
      const unsigned tensor = op.statements[statement].tensor;
      const bool isRead =
          llvm::any_of(readers[tensor], [&, own = number](unsigned reader) {
            return last[reader] != own;
          });
      if (isRead || op.tensors[tensor].role == ast::Role::Output ||
          (statement == number && layer.results.empty())) {
        layer.results.push_back(tensor);
      }
    }
    layer.name = op.tensors[layer.results.front()].name;
    layers.push_back(std::move(layer));
  }
  return layers;
}

std::vector<int> assigningLayers(const ast::Op &op,
                                 const std::vector<Layer> &layers) {
  std::vector<int> layerOf(op.tensors.size(), -1);
  for (size_t i = 0; i < layers.size(); ++i) {
    for (const unsigned statement : layers[i].statements) {
      layerOf[op.statements[statement].tensor] = int(i);
    }
  }
  return layerOf;
}

std::vector<size_t>
computedIn(const ast::Op &op, const std::vector<Layer> &layers,
           llvm::function_ref<bool(const std::string &)> hasPhase) {
  std::vector<size_t> computed(layers.size());
  const std::vector<int> layerOf = assigningLayers(op, layers);
  const std::vector<std::vector<unsigned>> readers = readersOf(op);
  for (size_t i = layers.size(); i-- > 0;) {
    computed[i] = i;
    const bool hasOwn =
        llvm::any_of(layers[i].statements, [&](unsigned statement) {
          return hasPhase(op.tensors[op.statements[statement].tensor].name);
        });
    const std::vector<unsigned> &users = readers[layers[i].results.front()];
    if (!hasOwn && !users.empty()) {
      const int reader = layerOf[op.statements[users.front()].tensor];
      computed[i] = computed[size_t(reader)];
    }
  }
  return computed;
}

} // namespace lpgen
