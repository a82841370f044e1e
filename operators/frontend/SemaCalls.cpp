// Calls of operators: the statements of what is called are lowered in place of
// the call.
//
// Names are bound, not copied: a formal is the caller's tensor under another
// name. A result is the caller's output, or an intermediate of the caller.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

/// False if nothing stands in place of the call; then its results are not
/// known.
bool OpChecker::inlineCall(const StatementDecl &statement) {
  const CallableOp *callable = findCallee(*statement.call);
  bool ok = callable && checkCallCounts(statement, *callable->decl) &&
            inlineCallee(statement, *callable);
  for (const Target &target : statement.targets) {
    Binding &result = *instance->find(target.name.text);
    result.state = Binding::State::Assigned;
    tensorInfos[result.tensor].isBroken |= !ok;
  }
  return ok;
}

bool OpChecker::inlineCallee(const StatementDecl &statement,
                             const CallableOp &callable) {
  Instance &callee = addInstance(callable);
  callee.caller = instance;
  callee.depth = instance->depth + 1;
  callee.call = {statement.call->callee.range, callee.decl.name.text,
                 instance->caller ? &instance->call : nullptr};
  callee.path = instance->path + statement.targets[0].name.text + ".";
  auto passed = passTensors(statement, callee);
  if (!passed || !solveParams(*statement.call, *passed, callee)) {
    return false;
  }
  for (const Passed &tensor : *passed) {
    if (!bindPassed(tensor)) {
      return false;
    }
  }
  // Only now, because a padding may be an argument that stands later.
  if (!completeResults(statement) ||
      !llvm::all_of(*passed, [&](const Passed &p) { return padFormal(p); })) {
    return false;
  }
  Entered guard(*this, &callee);
  return lowerBody();
}

/// The operator that is called, unless calls nest without end.
const CallableOp *OpChecker::findCallee(const OpCall &call) {
  auto it = operators.find(call.callee.text);
  if (it == operators.end()) {
    return nullptr; // A syntax error in it was reported.
  }
  for (const Instance *i = instance; i; i = i->caller) {
    if (&i->decl == it->second.decl) {
      diags.error(call.callee.range,
                  "operator '" + call.callee.text + "' calls itself");
      diags.note(it->second.decl->name.range, "it is declared here");
      return nullptr;
    }
  }
  if (instance->depth == maxCallDepth) {
    diags.error(call.callee.range,
                "calls nest more than " + Twine(maxCallDepth) + " deep");
    return nullptr;
  }
  if (instances.size() > maxCalls) {
    diags.error(instances[0]->decl.name.range, "operator '" + op.name +
                                                   "' makes more than " +
                                                   Twine(maxCalls) + " calls");
    isTooLarge = true;
    return nullptr;
  }
  return &it->second;
}

bool OpChecker::checkCallCounts(const StatementDecl &statement,
                                const OpDecl &callee) {
  unsigned errors = diags.numErrors();
  const auto expect = [&](size_t expected, size_t found, const char *what) {
    if (expected != found) {
      diags.error(statement.call->callee.range,
                  "'" + callee.name.text + "' has " + Twine(expected) + " " +
                      what + "(s), but " + Twine(found) + " stand here");
      diags.note(callee.name.range, "it is declared here");
    }
  };
  expect(callee.inputs.size(), statement.call->arguments.size(), "input");
  expect(callee.outputs.size(), statement.targets.size(), "output");
  return !failedSince(errors);
}

/// The arguments and then the targets, each beside its formal.
std::optional<std::vector<OpChecker::Passed>>
OpChecker::passTensors(const StatementDecl &statement, Instance &callee) {
  std::vector<Passed> passed;
  for (const Target &target : statement.targets) {
    instance->find(target.name.text)->state = Binding::State::BeingAssigned;
  }
  bool ok = true;
  for (auto [name, formal] :
       llvm::zip(statement.call->arguments, callee.decl.inputs)) {
    Binding *binding = instance->find(name.text);
    if (!binding) {
      bool isParam = instance->params.find(name.text);
      diags.error(name.range,
                  isParam ? "'" + name.text +
                                "' is a parameter; an argument is a tensor"
                          : "unknown name '" + name.text + "'");
    }
    ok &= binding && checkReadable(*binding, name.range);
    passed.push_back({&formal, binding, name.range, ast::Role::Input, &callee});
  }
  for (auto [target, formal] :
       llvm::zip(statement.targets, callee.decl.outputs)) {
    passed.push_back({&formal, instance->find(target.name.text),
                      target.name.range, ast::Role::Output, &callee});
  }
  return ok ? std::optional(std::move(passed)) : std::nullopt;
}

/// "'a' has FOUND, but 'x' of 'f' has EXPECTED".
void OpChecker::reportMismatch(const Passed &passed, const Twine &found,
                               const Twine &expected) {
  diags.error(passed.range, quoted(*passed.actual) + " has " + found +
                                ", but '" + passed.formal->name.text +
                                "' of '" + passed.callee->decl.name.text +
                                "' has " + expected);
  diags.note(passed.formal->name.range,
             "'" + passed.formal->name.text + "' is declared here");
}

/// Gives the actual tensor the formal's name in the callee, if it is what the
/// formal declares.
bool OpChecker::bindPassed(const Passed &passed) {
  unsigned errors = diags.numErrors();
  ast::Tensor formal;
  bool isInput = passed.role == ast::Role::Input;
  {
    Entered guard(*this, passed.callee);
    if (checkName(passed.formal->name, isInput ? "input" : "output")) {
      formal = resolveTensor(*passed.formal, passed.role);
    }
  }
  if (isDeclarationBroken || failedSince(errors) || !fitType(passed, formal) ||
      !fitShape(passed)) {
    return false;
  }
  Binding binding{passed.formal->name.text, passed.formal->name.range,
                  passed.role};
  binding.tensor = passed.actual->tensor;
  binding.state =
      isInput ? Binding::State::Assigned : Binding::State::Unassigned;
  passed.callee->bind(std::move(binding));
  return true;
}

bool OpChecker::fitType(const Passed &passed, const ast::Tensor &formal) {
  ast::Tensor &tensor = op.tensors[passed.actual->tensor];
  TensorInfo &info = tensorInfos[passed.actual->tensor];
  if (info.hasType && !(tensor.type == formal.type)) {
    reportMismatch(passed, "type " + tensor.type.str(), formal.type.str());
    return false;
  }
  if (passed.role == ast::Role::Input) {
    promises.push_back({op.statements.size(), passed, formal});
  } else if (!info.hasType) {
    tensor.type = formal.type;
    tensor.range = formal.range;
    info.hasType = true;
  }
  return true;
}

/// The extent of a dimension of a tensor of the caller, as far as it is known
/// before the statements that follow.
std::optional<ast::Extent> OpChecker::knownExtent(unsigned tensor,
                                                  unsigned dim) {
  const TensorInfo &info = tensorInfos[tensor];
  if (info.hasShape) {
    return op.tensors[tensor].shape[dim];
  }
  return dim < info.dimensions.size() ? extents.get(info.dimensions[dim])
                                      : std::nullopt;
}

bool OpChecker::fitShape(const Passed &passed) {
  ast::Tensor &tensor = op.tensors[passed.actual->tensor];
  TensorInfo &info = tensorInfos[passed.actual->tensor];
  llvm::SmallVector<ast::Extent, 4> shape;
  for (unsigned dim = 0; dim != passed.formal->shape.size(); ++dim) {
    std::optional<ast::Extent> extent = fitDimension(passed, dim);
    if (!extent) {
      return false;
    }
    shape.push_back(*extent);
  }
  if (passed.role == ast::Role::Output && !info.hasShape) {
    tensor.shape = std::move(shape);
    info.hasShape = true;
  }
  return true;
}

/// The extent that the formal declares, if the actual tensor has it or can have
/// it.
std::optional<ast::Extent> OpChecker::fitDimension(const Passed &passed,
                                                   unsigned dim) {
  const Dimension &written = passed.formal->shape[dim];
  std::optional<ast::Extent> expected;
  if (!written.symbol) {
    Entered guard(*this, passed.callee);
    expected = resolveDimension(written, passed.role);
  } else {
    std::optional<int64_t> bound;
    if (written.value) {
      Entered guard(*this, passed.callee);
      bound = resolveExtent(*written.value, instance->constants, diags);
    }
    if (!written.value || bound) {
      expected = fitSize(passed, dim, bound);
    }
  }
  if (!expected) {
    return std::nullopt;
  }
  unsigned tensor = passed.actual->tensor;
  std::optional<ast::Extent> found = knownExtent(tensor, dim);
  if (found && *found != *expected) {
    reportMismatch(passed,
                   "extent " + format(*found) + " in dimension " + Twine(dim),
                   format(*expected) + " there");
    return std::nullopt;
  }
  const std::vector<unsigned> &unknowns = tensorInfos[tensor].dimensions;
  if (!found && dim < unknowns.size()) {
    extents.bind(unknowns[dim], passed.actual->name,
                 {*expected,
                  "dimension " + std::to_string(dim) + " of '" +
                      passed.formal->name.text + "'",
                  passed.range});
  }
  return expected;
}

/// `?name <= bound` in a formal: where it is first mentioned, the name takes
/// the extent of the actual tensor.
std::optional<ast::Extent> OpChecker::fitSize(const Passed &passed,
                                              unsigned dim,
                                              std::optional<int64_t> bound) {
  const Dimension &written = passed.formal->shape[dim];
  const std::string &name = written.symbol->text;
  if (passed.callee->sizes.contains(name) || !bound) {
    Entered guard(*this, passed.callee);
    return resolveSize(name, bound, written.range);
  }
  std::optional<ast::Extent> found = knownExtent(passed.actual->tensor, dim);
  if (!found) {
    diags.error(passed.range,
                "the extent of dimension " + Twine(dim) + " of " +
                    quoted(*passed.actual) +
                    " is not known here; declare it, 'NAME: TYPE[EXTENT, ...] "
                    "= ...'");
    return std::nullopt;
  }
  if (found->size > *bound) {
    reportMismatch(
        passed, "up to " + Twine(found->size) + " in dimension " + Twine(dim),
        "at most " + Twine(*bound) + " there");
    return std::nullopt;
  }
  passed.callee->sizes[name] = {*found, *bound, written.range};
  return found;
}

/// What follows from the shapes that the results have now.
bool OpChecker::completeResults(const StatementDecl &statement) {
  unsigned errors = diags.numErrors();
  for (const Target &target : statement.targets) {
    Binding &result = *instance->find(target.name.text);
    checkElements(op.tensors[result.tensor], target.name.range, diags);
    if (target.declaration && target.declaration->pad) {
      declarePadding(*target.declaration->pad, result);
    }
  }
  return !failedSince(errors) && !isDeclarationBroken;
}

/// The formal's padding governs the reads in the callee; without one, the
/// actual's.
bool OpChecker::padFormal(const Passed &passed) {
  Binding &formal = *passed.callee->find(passed.formal->name.text);
  const Binding &actual = *passed.actual;
  formal.padding = actual.padding;
  if (!passed.formal->pad) {
    return true;
  }
  std::optional<ast::Padding> padding;
  {
    Entered guard(*this, passed.callee);
    if (passed.formal->shape.empty()) {
      reportScalarPadding(*passed.formal->pad, formal.name);
      return false;
    }
    std::optional<ElementType> type =
        resolveType(passed.formal->type, instance->constants, diags);
    padding = type ? resolvePadding(*passed.formal->pad, *type) : std::nullopt;
  }
  if (padding && actual.padding && *padding != *actual.padding) {
    diags.error(passed.range, quoted(actual) + " has another padding than '" +
                                  formal.name + "' of '" +
                                  passed.callee->decl.name.text +
                                  "'; leave one of them out");
    diags.note(actual.range, quoted(actual) + " is declared here");
    diags.note(passed.formal->pad->range, "the other padding is here");
    return false;
  }
  formal.padding = padding;
  return padding.has_value();
}

void OpChecker::checkPromises(size_t number) {
  while (numPromisesChecked != promises.size() &&
         promises[numPromisesChecked].number <= number) {
    checkPromise(promises[numPromisesChecked]);
    ++numPromisesChecked;
  }
}

void OpChecker::checkPromise(const Promise &promise) {
  const Passed &passed = promise.passed;
  const ast::Tensor &tensor = op.tensors[passed.actual->tensor];
  if (tensorInfos[passed.actual->tensor].isBroken) {
    return;
  }
  Entered guard(*this, passed.callee->caller);
  const ast::Tensor &formal = promise.formal;
  if (!(tensor.type == formal.type)) {
    reportMismatch(passed, "type " + tensor.type.str(), formal.type.str());
    tensorInfos[passed.actual->tensor].isBroken = true;
  } else if (!tensor.type.isFloat() && formal.hasDeclaredRange &&
             !Interval(tensor.range).within(formal.range.lo, formal.range.hi)) {
    reportMismatch(passed, "values in " + Interval(tensor.range).str(),
                   Interval(formal.range).str());
  }
}
