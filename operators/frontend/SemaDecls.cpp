// First step of the checker: the declarations of an operator, and which
// statement assigns which tensor. After it all tensors have ids, and all that
// are declared have type, range and padding, and the extents that are written.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

bool OpChecker::checkCounts() {
  unsigned errors = diags.numErrors();
  const OpDecl &decl = instance->decl;
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
  const OpDecl &decl = instance->decl;
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
  for (auto [tensor, binding] : llvm::zip(declared, instance->bindings)) {
    if (tensor.pad) {
      declarePadding(*tensor.pad, binding);
    }
  }
  return !failedSince(errors) && !isDeclarationBroken;
}

/// A name that is declared must not hide a parameter, a constant or a tensor.
bool OpChecker::checkName(const Name &name, const char *what) {
  if (const ParamTable::Entry *param = instance->params.find(name.text)) {
    diags.error(name.range, Twine(what) + " '" + name.text +
                                "' has the name of a parameter");
    diags.note(param->name.range, "the parameter is declared here");
    return false;
  }
  if (const auto *constant = instance->fileConstants->find(name.text)) {
    diags.error(name.range, Twine(what) + " '" + name.text +
                                "' has the name of a constant");
    diags.note(constant->name.range, "the constant is declared here");
    return false;
  }
  if (const Binding *binding = instance->find(name.text)) {
    diags.error(name.range,
                Twine(what) + " '" + name.text + "' has the name of a tensor");
    diags.note(binding->range, "the tensor is declared here");
    return false;
  }
  return true;
}

static const char *nameOf(ast::Role role) {
  switch (role) {
  case ast::Role::Input:
    return "input";
  case ast::Role::Output:
    return "output";
  case ast::Role::Intermediate:
    return "intermediate";
  case ast::Role::Constant:
    return "constant";
  }
  llvm_unreachable("all roles are handled");
}

/// The tensor that `decl` declares, without its extents and its padding.
ast::Tensor OpChecker::resolveTensor(const TensorDecl &decl, ast::Role role) {
  bool isInput = role == ast::Role::Input;
  ast::Tensor tensor;
  tensor.name = instance->path + decl.name.text;
  tensor.role = role;
  tensor.loc = decl.name.range.Start;
  if (std::optional<ElementType> type =
          resolveType(decl.type, instance->constants, diags)) {
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
                Twine("'in' describes inputs; the range of ") + nameOf(role) +
                    " '" + decl.name.text +
                    "' follows from its statement, use clamp(...) there");
  }
  return tensor;
}

unsigned OpChecker::addTensor(ast::Tensor tensor, const Name &name) {
  op.tensors.push_back(std::move(tensor));
  tensorInfos.push_back({name.range});
  return op.tensors.size() - 1;
}

/// False if its name is taken.
bool OpChecker::declareTensor(const TensorDecl &decl, ast::Role role) {
  if (!checkName(decl.name, nameOf(role))) {
    return false;
  }
  ast::Tensor tensor = resolveTensor(decl, role);
  for (const Dimension &dim : decl.shape) {
    if (std::optional<ast::Extent> extent = resolveDimension(dim, role)) {
      tensor.shape.push_back(*extent);
    } else {
      isDeclarationBroken = true;
    }
  }
  checkRank(decl.name, decl.shape.size(), diags);
  checkElements(tensor, decl.name.range, diags);
  if (decl.strides) {
    declareStrides(*decl.strides, tensor);
  }
  bool isInput = role == ast::Role::Input;
  Binding binding{decl.name.text, decl.name.range, role};
  binding.tensor = addTensor(std::move(tensor), decl.name);
  binding.state =
      isInput ? Binding::State::Assigned : Binding::State::Unassigned;
  instance->bind(std::move(binding));
  return true;
}

/// `strides [...]` of an input or an output.
void OpChecker::declareStrides(const StridesSyntax &strides,
                               ast::Tensor &tensor) {
  if (tensor.role == ast::Role::Intermediate) {
    diags.error(strides.range,
                "'strides' describes how a caller's buffer lies; "
                "intermediate '" +
                    tensor.name + "' is none");
    return;
  }
  if (strides.strides.size() != tensor.shape.size()) {
    diags.error(strides.range,
                "'" + tensor.name + "' has " + Twine(tensor.shape.size()) +
                    " dimension(s), but " + Twine(strides.strides.size()) +
                    " stride(s) stand here");
    isDeclarationBroken = true;
    return;
  }
  Int128 span = 1;
  for (auto [stride, extent] : llvm::zip(strides.strides, tensor.shape)) {
    std::optional<ast::Extent> value = resolveDimension(stride, tensor.role);
    if (!value) {
      isDeclarationBroken = true;
      return;
    }
    span += Int128{extent.size - 1} * value->size;
    tensor.strides.push_back(*value);
  }
  if (span > maxElements) {
    diags.error(strides.range, "with these strides '" + tensor.name +
                                   "' can span more than 2^40 elements");
    isDeclarationBroken = true;
  }
  stridesRanges.push_back(strides.range);
}

std::optional<ast::Extent> OpChecker::resolveDimension(const Dimension &dim,
                                                       ast::Role role) {
  if (!dim.symbol && hasSize(*dim.value)) {
    return resolveSizeExpr(*dim.value);
  }
  std::optional<int64_t> size;
  if (dim.value) {
    size = resolveExtent(*dim.value, instance->constants, diags);
    if (!size) {
      return std::nullopt;
    }
  }
  if (!dim.symbol) {
    assert(size && "the parser gives a dimension a symbol or an extent");
    return ast::Extent{*size};
  }
  const std::string &name = dim.symbol->text;
  bool isOfCaller = role == ast::Role::Intermediate || instance->caller;
  if (isOfCaller && !instance->sizes.contains(name)) {
    diags.error(dim.range, "run-time size '?" + name +
                               "' stands in no input and no output before; an "
                               "intermediate has the sizes of others");
    return std::nullopt;
  }
  return resolveSize(name, size, dim.range);
}

/// `?name <= bound`, the bound present where the name is first mentioned.
std::optional<ast::Extent> OpChecker::resolveSize(const std::string &name,
                                                  std::optional<int64_t> bound,
                                                  llvm::SMRange range) {
  auto it = instance->sizes.find(name);
  if (it == instance->sizes.end()) {
    if (!bound) {
      reportNoBound(name, range);
      return std::nullopt;
    }
    ast::Extent extent{*bound, static_cast<SizeId>(op.symbols.size())};
    op.symbols.push_back({name, *bound, range.Start});
    instance->sizes[name] = {extent, *bound, range};
    return extent;
  }
  const Size &size = it->second;
  if (bound && *bound != size.bound) {
    diags.error(range, "run-time size '?" + name + "' is bounded by " +
                           Twine(*bound) + " here but by " + Twine(size.bound) +
                           " before");
    diags.note({size.range.Start, size.range.Start}, "first bounded here");
    return std::nullopt;
  }
  return size.extent;
}

void OpChecker::reportNoBound(const std::string &name, llvm::SMRange range) {
  diags.error(range, "run-time size '?" + name + "' has no bound; write '?" +
                         name + " <= BOUND' where it is first mentioned");
}

void OpChecker::resolveRange(const RangeSyntax &range, ast::Tensor &tensor) {
  if (tensor.type.isFloat()) {
    diags.error(range.range, "'in' describes integers, but '" + tensor.name +
                                 "' is " + tensor.type.str());
    return;
  }
  std::optional<int64_t> lo = instance->constants.evaluate(*range.lo);
  std::optional<int64_t> hi = instance->constants.evaluate(*range.hi);
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

/// Declares the constants that the operator's statements mention.
void OpChecker::declareConstants() {
  for (const StatementDecl &statement : instance->decl.statements) {
    if (statement.value) {
      declareConstants(*statement.value);
      continue;
    }
    for (const Name &argument : statement.call->arguments) {
      declareConstant(argument.text);
    }
  }
}

void OpChecker::declareConstants(const Node &node) {
  if (node.kind == Node::Kind::Name) {
    declareConstant(node.name);
  }
  for (const NodePtr &child : node.children) {
    declareConstants(*child);
  }
}

/// Binds `name` if it is a constant of the file that is not bound yet.
void OpChecker::declareConstant(const std::string &name) {
  const ConstantTable::Entry *constant = instance->fileConstants->find(name);
  if (!constant || instance->find(name)) {
    return;
  }
  if (!constant->tensor) {
    isDeclarationBroken = true;
    return;
  }
  usedParams.insert(constant->parameters.begin(), constant->parameters.end());
  const char *place = constant->name.range.Start.getPointer();
  auto [known, isNew] = constantIds.try_emplace(place, op.tensors.size());
  if (isNew) {
    addTensor(*constant->tensor, constant->name);
  }
  Binding binding{name, constant->name.range, ast::Role::Constant};
  binding.tensor = known->second;
  binding.isRead = true;
  instance->bind(std::move(binding));
}

/// Finds the tensor of every statement, and declares the intermediates.
void OpChecker::bindTargets() {
  for (const StatementDecl &statement : instance->decl.statements) {
    for (const Target &target : statement.targets) {
      bindTarget(statement, target);
    }
  }
  for (const Binding &binding : instance->bindings) {
    if (binding.role == ast::Role::Output && !binding.assignedAt.isValid()) {
      diags.error(binding.range,
                  "output '" + binding.name + "' is never assigned");
    }
  }
}

void OpChecker::bindTarget(const StatementDecl &statement,
                           const Target &target) {
  const Name &name = target.name;
  Binding *binding = instance->find(name.text);
  if (!binding) {
    declareIntermediate(statement, target);
  } else if (binding->role == ast::Role::Input) {
    diags.error(name.range, "input '" + name.text + "' cannot be assigned");
    diags.note(binding->range, "'" + name.text + "' is declared here");
  } else if (binding->assignedAt.isValid()) {
    diags.error(name.range, "'" + name.text + "' is assigned twice");
    diags.note(binding->assignedAt, "first assigned here");
  } else {
    binding->assignedAt = name.range;
    if (target.declaration) {
      diags.error(target.declaration->type.range,
                  "output '" + name.text +
                      "' is declared already; leave its type out here");
      diags.note(binding->range, "'" + name.text + "' is declared here");
    }
  }
}

/// A name that is assigned without being an input or an output. What its
/// declaration leaves open follows from the statement, or from what it calls.
void OpChecker::declareIntermediate(const StatementDecl &statement,
                                    const Target &target) {
  const Name &name = target.name;
  const std::optional<TensorDecl> &declaration = target.declaration;
  if (declaration) {
    if (!declareTensor(*declaration, ast::Role::Intermediate)) {
      return;
    }
  } else {
    if (!checkName(name, nameOf(ast::Role::Intermediate))) {
      return;
    }
    ast::Tensor tensor;
    tensor.name = instance->path + name.text;
    tensor.role = ast::Role::Intermediate;
    tensor.loc = name.range.Start;
    Binding binding{name.text, name.range, ast::Role::Intermediate};
    binding.tensor = addTensor(std::move(tensor), name);
    binding.state = Binding::State::Unassigned;
    instance->bind(std::move(binding));
  }
  Binding &binding = instance->bindings.back();
  ast::Tensor &tensor = op.tensors[binding.tensor];
  TensorInfo &info = tensorInfos[binding.tensor];
  binding.assignedAt = name.range;
  info.hasType = declaration.has_value();
  info.hasShape = declaration && !declaration->shape.empty();
  if (!info.hasShape) {
    tensor.shape.resize(statement.indices.size());
    checkRank(name, tensor.shape.size(), diags);
  }
  if (declaration && declaration->pad && !statement.call) {
    declarePadding(*declaration->pad, binding);
  }
}
