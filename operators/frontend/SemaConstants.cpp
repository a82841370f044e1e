// Parameters and constant folding: see SemaConstants.h.
#include "operators/frontend/SemaConstants.h"
#include "operators/frontend/Interval.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using ast::BinaryOp;
using llvm::Twine;

void ParamTable::add(Entry entry, Diagnostics &diags) {
  if (const Entry *earlier = find(entry.name.text)) {
    diags.error(entry.name.range,
                "parameter '" + entry.name.text + "' is declared twice");
    diags.note(earlier->name.range, "first declared here");
    return;
  }
  positions[entry.name.text] = table.size();
  table.push_back(std::move(entry));
}

void ParamTable::include(const ParamTable &other, Diagnostics &diags) {
  for (const Entry &entry : other.table) {
    const Entry *known = find(entry.name.text);
    if (!known || known->name.range.Start != entry.name.range.Start) {
      add(entry, diags);
    }
  }
}

void ParamTable::addParams(const FileDecl &file,
                           const std::map<std::string, int64_t> &defines,
                           Diagnostics &diags) {
  UsedParams used;
  for (const ParamDecl &param : file.params) {
    // Evaluated even when overridden, so that -D never hides a fault of the
    // file.
    std::optional<int64_t> value;
    if (param.value && !find(param.name.text)) {
      value = ConstantEvaluator(*this, used, diags).evaluate(*param.value);
    }
    auto define = defines.find(param.name.text);
    if (value && define != defines.end()) {
      value = define->second;
    }
    add({param.name, value}, diags);
  }
}

const ParamTable::Entry *ParamTable::find(llvm::StringRef name) const {
  auto it = positions.find(name);
  if (it != positions.end()) {
    return &table[it->second];
  }
  return outer ? outer->find(name) : nullptr;
}

std::optional<BinaryOp> lpgen::binaryOpOf(Function function) {
  switch (function) {
  case Function::Max:
    return BinaryOp::Max;
  case Function::Min:
    return BinaryOp::Min;
  case Function::FloorDiv:
    return BinaryOp::FloorDiv;
  case Function::RoundDiv:
    return BinaryOp::RoundDiv;
  default:
    return std::nullopt;
  }
}

unsigned lpgen::arityOf(Function function) {
  if (binaryOpOf(function)) {
    return 2;
  }
  const bool isTernary =
      function == Function::Clamp || function == Function::Rescale ||
      function == Function::RescaleOnce || function == Function::Select;
  return isTernary ? 3 : 1;
}

std::optional<int64_t> ConstantEvaluator::useParam(llvm::StringRef name) {
  const ParamTable::Entry *entry = params.find(name);
  if (!entry || !entry->value) {
    return std::nullopt;
  }
  if (entry->isIdentity) {
    used[entry->name.text] = *entry->value;
  }
  return entry->value;
}

bool ConstantEvaluator::isConstant(const Node &node) const {
  switch (node.kind) {
  case Node::Kind::Int:
    return true;
  case Node::Kind::Float:
  case Node::Kind::Size:
  case Node::Kind::Reduce:
    return false;
  case Node::Kind::Name:
    return !node.hasSubscripts && params.find(node.name) &&
           !params.find(node.name)->isSize;
  case Node::Kind::Negate:
  case Node::Kind::Binary:
  case Node::Kind::Call:
    return llvm::all_of(node.children, [&](const NodePtr &child) {
      return isConstant(*child);
    });
  }
  llvm_unreachable("all node kinds are handled");
}

std::optional<int64_t> ConstantEvaluator::evaluate(const Node &node) {
  switch (node.kind) {
  case Node::Kind::Int:
    return node.intValue;
  case Node::Kind::Float:
    diags.error(node.range, "expected an integer constant, found a "
                            "floating-point number");
    return std::nullopt;
  case Node::Kind::Size:
    diags.error(node.range, "expected an integer constant, found the run-time "
                            "size '?" +
                                node.name + "'");
    return std::nullopt;
  case Node::Kind::Reduce:
    diags.error(node.range, "expected an integer constant, found a reduction");
    return std::nullopt;
  case Node::Kind::Name:
    if (const ParamTable::Entry *param = params.find(node.name);
        param && !node.hasSubscripts) {
      if (param->isSize) {
        diags.error(node.range, "expected an integer constant, but '" +
                                    node.name + "' is a run-time size here");
      }
      return useParam(node.name);
    }
    diags.error(node.range, "expected an integer constant, but '" + node.name +
                                "' is not a parameter declared before this "
                                "place");
    return std::nullopt;
  case Node::Kind::Negate:
    if (std::optional<int64_t> value = evaluate(*node.children[0])) {
      return evaluateOp(node, BinaryOp::Sub, 0, *value);
    }
    return std::nullopt;
  case Node::Kind::Binary:
    return evaluateBinary(node);
  case Node::Kind::Call:
    return evaluateCall(node);
  }
  llvm_unreachable("all node kinds are handled");
}

std::optional<int64_t> ConstantEvaluator::evaluateBinary(const Node &node) {
  std::optional<int64_t> a = evaluate(*node.children[0]);
  std::optional<int64_t> b = evaluate(*node.children[1]);
  if (!a || !b) {
    return std::nullopt;
  }
  return evaluateOp(node, node.binaryOp, *a, *b);
}

std::optional<int64_t> ConstantEvaluator::evaluateCall(const Node &node) {
  std::optional<BinaryOp> op = binaryOpOf(node.function);
  if (!op && node.function != Function::Abs) {
    diags.error(node.range, "'" + node.name + "' cannot stand in a constant");
    return std::nullopt;
  }
  if (node.children.size() != arityOf(node.function)) {
    diags.error(node.range,
                "'" + node.name + "' takes " + Twine(arityOf(node.function)) +
                    " argument(s), found " + Twine(node.children.size()));
    return std::nullopt;
  }
  std::optional<int64_t> a = evaluate(*node.children[0]);
  if (!a) {
    return std::nullopt;
  }
  if (!op) {
    return *a < 0 ? evaluateOp(node, BinaryOp::Sub, 0, *a) : a;
  }
  std::optional<int64_t> b = evaluate(*node.children[1]);
  return b ? evaluateOp(node, *op, *a, *b) : std::nullopt;
}

/// A constant is a range of one value, so the interval arithmetic computes it.
/// Only comparisons, which intervals do not fold, are refused.
std::optional<int64_t> ConstantEvaluator::evaluateOp(const Node &node,
                                                     BinaryOp op, int64_t a,
                                                     int64_t b) {
  bool isDivision = op == BinaryOp::Div || op == BinaryOp::FloorDiv ||
                    op == BinaryOp::RoundDiv || op == BinaryOp::Mod;
  if (isDivision && b == 0) {
    diags.error(node.loc, node.range, "division by zero in a constant");
    return std::nullopt;
  }
  if (op == BinaryOp::Div && Int128{a} % b != 0) {
    diags.error(node.loc, node.range,
                Twine(a) + " / " + Twine(b) +
                    " is not an integer; use floordiv or rounddiv");
    return std::nullopt;
  }
  bool isShift = op == BinaryOp::ShiftRight || op == BinaryOp::ShiftLeft;
  if (isShift && (b < 0 || b > 63)) {
    diags.error(node.loc, node.range,
                "shift by " + Twine(b) + "; shifts go from 0 to 63");
    return std::nullopt;
  }
  if (op >= BinaryOp::Lt) {
    diags.error(node.loc, node.range,
                "expected an integer constant, found a comparison");
    return std::nullopt;
  }
  BinaryOp exact = op == BinaryOp::Div ? BinaryOp::FloorDiv : op;
  Interval result = apply(exact, Interval(a, a), Interval(b, b));
  if (!result.fitsInt64()) {
    diags.error(node.loc, node.range, "constant does not fit a 64-bit integer");
    return std::nullopt;
  }
  return result.toRange().lo;
}
