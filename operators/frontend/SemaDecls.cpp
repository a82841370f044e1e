// First step of the checker: the declarations of an operator, and which
// statement assigns which tensor. After it all tensors have ids, and all that
// are declared have type, shape, range and padding.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

bool OpChecker::checkCounts() {
  unsigned errors = diags.numErrors();
  const auto atMost = [&](size_t count, unsigned most, const char *what) {
    if (count > most) {
      diags.error(decl.name.range, "operator '" + decl.name.text + "' has " +
                                       Twine(count) + " " + what +
                                       "; at most " + Twine(most) +
                                       " are supported");
    }
  };
  atMost(decl.inputs.size() + decl.outputs.size(), maxDeclared,
         "inputs and outputs");
  atMost(decl.statements.size(), maxStatements, "statements");
  return !failedSince(errors);
}

bool OpChecker::checkDeclarations() {
  unsigned errors = diags.numErrors();
  for (const TensorDecl &input : decl.inputs) {
    declareTensor(input, ast::Role::Input);
  }
  for (const TensorDecl &output : decl.outputs) {
    declareTensor(output, ast::Role::Output);
  }
  if (decl.outputs.empty()) {
    diags.error(decl.name.range,
                "operator '" + decl.name.text + "' has no output");
  }
  if (failedSince(errors) || isDeclarationBroken) {
    return false;
  }
  // Only now, because pad(NAME) may name an input that is declared later.
  auto declared = llvm::concat<const TensorDecl>(decl.inputs, decl.outputs);
  for (auto [id, tensor] : llvm::enumerate(declared)) {
    if (tensor.pad) {
      resolvePadding(*tensor.pad, id);
    }
  }
  bindTargets();
  for (const StatementDecl &statement : decl.statements) {
    declareConstants(*statement.value);
  }
  return !failedSince(errors) && !isDeclarationBroken;
}

/// A name that is declared must not hide a parameter, a constant or a tensor.
bool OpChecker::checkName(const Name &name, const char *what) {
  if (const ParamTable::Entry *param = constants.table().find(name.text)) {
    diags.error(name.range, Twine(what) + " '" + name.text +
                                "' has the name of a parameter");
    diags.note(param->name.range, "the parameter is declared here");
    return false;
  }
  if (const ConstantTable::Entry *constant = constantTable.find(name.text)) {
    diags.error(name.range, Twine(what) + " '" + name.text +
                                "' has the name of a constant");
    diags.note(constant->name.range, "the constant is declared here");
    return false;
  }
  auto it = tensorIds.find(name.text);
  if (it != tensorIds.end()) {
    diags.error(name.range,
                Twine(what) + " '" + name.text + "' has the name of a tensor");
    diags.note(tensorInfos[it->second].range, "the tensor is declared here");
    return false;
  }
  return true;
}

void OpChecker::declareTensor(const TensorDecl &decl, ast::Role role) {
  bool isInput = role == ast::Role::Input;
  if (!checkName(decl.name, isInput ? "input" : "output")) {
    return;
  }
  ast::Tensor tensor;
  tensor.name = decl.name.text;
  tensor.role = role;
  tensor.loc = decl.name.range.Start;
  if (std::optional<ElementType> type =
          resolveType(decl.type, constants, diags)) {
    tensor.type = *type;
    tensor.range = {type->minValue(), type->maxValue()};
    if (decl.in && isInput) {
      resolveRange(*decl.in, tensor);
    }
  } else {
    isDeclarationBroken = true;
  }

  if (decl.in && !isInput) {
    diags.error(decl.in->range,
                "'in' describes inputs; the range of output '" + tensor.name +
                    "' follows from its statement, use clamp(...) there");
  }
  checkRank(decl.name, decl.shape.size(), diags);
  for (const Dimension &dim : decl.shape) {
    if (std::optional<ast::Extent> extent = resolveDimension(dim)) {
      tensor.shape.push_back(*extent);
    } else {
      isDeclarationBroken = true;
    }
  }

  checkElements(tensor, decl.name.range, diags);
  tensorIds[tensor.name] = op.tensors.size();
  op.tensors.push_back(std::move(tensor));
  tensorInfos.push_back({decl.name.range});
}

std::optional<ast::Extent> OpChecker::resolveDimension(const Dimension &dim) {
  std::optional<int64_t> size;
  if (dim.value) {
    size = resolveExtent(*dim.value, constants, diags);
    if (!size) {
      return std::nullopt;
    }
  }
  if (dim.symbol) {
    return resolveSymbol(dim.symbol->text, size, dim.range);
  }
  assert(size && "the parser gives a dimension a symbol or an extent");
  return ast::Extent{*size, -1};
}

/// `?name <= bound`, the bound present where the name is first mentioned.
std::optional<ast::Extent>
OpChecker::resolveSymbol(const std::string &name, std::optional<int64_t> bound,
                         llvm::SMRange range) {
  auto it = symbolIds.find(name);
  if (it == symbolIds.end()) {
    if (!bound) {
      diags.error(range, "run-time size '?" + name +
                             "' has no bound; write '?" + name +
                             " <= BOUND' where it is first mentioned");
      return std::nullopt;
    }
    symbolIds[name] = op.symbols.size();
    op.symbols.push_back({name, *bound, range.Start});
    return ast::Extent{*bound, static_cast<int>(op.symbols.size() - 1)};
  }
  const ast::Symbol &symbol = op.symbols[it->second];
  if (bound && *bound != symbol.bound) {
    diags.error(range, "run-time size '?" + name + "' is bounded by " +
                           Twine(*bound) + " here but by " +
                           Twine(symbol.bound) + " before");
    diags.note({symbol.loc, symbol.loc}, "first bounded here");
    return std::nullopt;
  }
  return ast::Extent{symbol.bound, static_cast<int>(it->second)};
}

void OpChecker::resolveRange(const RangeSyntax &range, ast::Tensor &tensor) {
  if (tensor.type.isFloat()) {
    diags.error(range.range,
                "'in' describes integers, but '" + tensor.name + "' is f32");
    return;
  }
  std::optional<int64_t> lo = constants.evaluate(*range.lo);
  std::optional<int64_t> hi = constants.evaluate(*range.hi);
  if (!lo || !hi) {
    isDeclarationBroken = true;
    return;
  }
  if (*lo > *hi) {
    diags.error(range.range, "range " + Interval(*lo, *hi).str() +
                                 " is empty; the lower end stands first");
    return;
  }
  for (auto [end, node] :
       {std::pair(*lo, range.lo.get()), std::pair(*hi, range.hi.get())}) {
    if (!tensor.type.holds(end)) {
      diags.error(node->range,
                  Twine(end) + " is not a value of type " + tensor.type.str());
      return;
    }
  }
  tensor.range = {*lo, *hi};
  tensor.hasDeclaredRange = true;
}

void OpChecker::resolvePadding(const PadSyntax &pad, unsigned id) {
  ast::Tensor &tensor = op.tensors[id];
  if (tensor.shape.empty()) {
    diags.error(pad.range, "'" + tensor.name +
                               "' is a scalar, which has no outside to pad");
    return;
  }
  if (pad.value && pad.value->kind == Node::Kind::Name &&
      !constants.isConstant(*pad.value)) {
    resolveScalarPadding(pad, id);
    return;
  }
  if (tensor.type.isFloat()) {
    resolveFloatPadding(pad, tensor);
    return;
  }
  std::optional<int64_t> value = tensor.type.minValue();
  if (pad.value) {
    value = constants.evaluate(*pad.value);
  }
  if (!value) {
    isDeclarationBroken = true;
    return;
  }
  setPadding(pad, *value, tensor);
}

void OpChecker::setPadding(const PadSyntax &pad, int64_t value,
                           ast::Tensor &tensor) {
  ast::Padding padding;
  padding.value = value;
  tensor.padding = padding;
  // Not `holds`: padding bipolar operands by 0 is exact although 0 has no code.
  if (value < tensor.type.minValue() || value > tensor.type.maxValue()) {
    diags.error(pad.range, "padding " + Twine(value) + " is outside " +
                               tensor.type.str() + ", which goes from " +
                               Twine(tensor.type.minValue()) + " to " +
                               Twine(tensor.type.maxValue()));
  }
}

/// pad(zx): the padding is a rank-0 integer input, known when the kernel runs.
void OpChecker::resolveScalarPadding(const PadSyntax &pad, unsigned id) {
  ast::Tensor &tensor = op.tensors[id];
  if (const ConstantTable::Entry *constant =
          constantTable.find(pad.value->name)) {
    resolveConstantPadding(pad, *constant, tensor);
    return;
  }
  auto it = tensorIds.find(pad.value->name);
  if (it == tensorIds.end() || pad.value->hasSubscripts) {
    diags.error(pad.value->range,
                "expected a constant, 'lowest' or a scalar input as padding, "
                "found '" +
                    pad.value->name + "'");
    return;
  }
  const ast::Tensor &scalar = op.tensors[it->second];
  const TensorInfo &info = tensorInfos[it->second];
  if (scalar.role != ast::Role::Input || !scalar.shape.empty() ||
      scalar.type.isFloat() || tensor.type.isFloat()) {
    diags.error(pad.value->range,
                "a tensor as padding is an integer scalar input, and pads an "
                "integer tensor");
    diags.note(info.range, "'" + scalar.name + "' is declared here");
    return;
  }
  if (!Interval(scalar.range)
           .within(tensor.type.minValue(), tensor.type.maxValue())) {
    diags.error(pad.value->range, "padding '" + scalar.name + "' ranges over " +
                                      Interval(scalar.range).str() + ", but " +
                                      tensor.type.str() + " goes from " +
                                      Twine(tensor.type.minValue()) + " to " +
                                      Twine(tensor.type.maxValue()));
    diags.note(info.range,
               "declare the range of '" + scalar.name + "' with 'in [lo, hi]'");
    return;
  }
  ast::Padding padding;
  padding.kind = ast::Padding::Kind::Scalar;
  padding.tensor = it->second;
  tensor.padding = padding;
  tensorInfos[it->second].isRead = true;
}

/// pad(zx) of a constant: its value.
void OpChecker::resolveConstantPadding(const PadSyntax &pad,
                                       const ConstantTable::Entry &constant,
                                       ast::Tensor &tensor) {
  if (!constant.tensor) {
    isDeclarationBroken = true;
    return;
  }
  const ast::Tensor &scalar = *constant.tensor;
  if (!scalar.shape.empty() || scalar.type.isFloat() != tensor.type.isFloat()) {
    diags.error(pad.value->range,
                "a constant as padding is a scalar, an integer for integer "
                "tensors and f32 for others");
    diags.note(constant.name.range, "'" + scalar.name + "' is declared here");
  } else if (tensor.type.isFloat()) {
    tensor.padding = ast::Padding();
    tensor.padding->floatValue = scalar.values->getFloat(0);
  } else {
    setPadding(pad, scalar.values->getInt(0), tensor);
  }
}

void OpChecker::resolveFloatPadding(const PadSyntax &pad, ast::Tensor &tensor) {
  ast::Padding padding;
  padding.floatValue = -std::numeric_limits<float>::infinity();
  if (pad.value) {
    const Node *node = pad.value.get();
    bool isNegative = node->kind == Node::Kind::Negate;
    const Node *magnitude = isNegative ? node->children[0].get() : node;
    if (magnitude->kind == Node::Kind::Float) {
      padding.floatValue =
          isNegative ? -magnitude->floatValue : magnitude->floatValue;
    } else if (std::optional<int64_t> value = constants.evaluate(*node)) {
      padding.floatValue = static_cast<float>(*value);
    } else {
      isDeclarationBroken = true;
    }
  }
  tensor.padding = padding;
}

/// Declares the constants of the file that `node` mentions.
void OpChecker::declareConstants(const Node &node) {
  if (node.kind == Node::Kind::Name && !tensorIds.contains(node.name)) {
    if (const ConstantTable::Entry *constant = constantTable.find(node.name)) {
      declareConstant(*constant);
    }
  }
  for (const NodePtr &child : node.children) {
    declareConstants(*child);
  }
}

void OpChecker::declareConstant(const ConstantTable::Entry &constant) {
  if (!constant.tensor) {
    isDeclarationBroken = true;
    return;
  }
  for (const auto &[name, value] : constant.parameters) {
    constants.useParam(name);
  }
  tensorIds[constant.name.text] = op.tensors.size();
  op.tensors.push_back(*constant.tensor);
  tensorInfos.push_back({constant.name.range});
}

/// Finds the tensor of every statement, and declares the intermediates.
void OpChecker::bindTargets() {
  for (auto [number, statement] : llvm::enumerate(decl.statements)) {
    bindTarget(statement, number);
  }
  for (auto [id, tensor] : llvm::enumerate(op.tensors)) {
    if (tensor.role == ast::Role::Output && tensorInfos[id].definedBy < 0) {
      diags.error(tensorInfos[id].range,
                  "output " + quoted(id) + " is never assigned");
    }
  }
}

void OpChecker::bindTarget(const StatementDecl &statement, unsigned number) {
  const Name &target = statement.target;
  auto it = tensorIds.find(target.text);
  if (it == tensorIds.end()) {
    if (!checkName(target, "intermediate")) {
      return;
    }
    checkRank(target, statement.indices.size(), diags);
    ast::Tensor tensor;
    tensor.name = target.text;
    tensor.role = ast::Role::Intermediate;
    tensor.loc = target.range.Start;
    tensor.shape.resize(statement.indices.size());
    tensorIds[tensor.name] = op.tensors.size();
    op.tensors.push_back(std::move(tensor));
    tensorInfos.push_back({target.range, static_cast<int>(number)});
    return;
  }
  unsigned id = it->second;
  TensorInfo &info = tensorInfos[id];
  if (op.tensors[id].role == ast::Role::Input) {
    diags.error(target.range, "input " + quoted(id) + " cannot be assigned");
    diags.note(info.range, quoted(id) + " is declared here");
  } else if (info.definedBy >= 0) {
    diags.error(target.range, quoted(id) + " is assigned twice");
    diags.note(decl.statements[info.definedBy].target.range,
               "first assigned here");
  } else {
    info.definedBy = number;
  }
}
