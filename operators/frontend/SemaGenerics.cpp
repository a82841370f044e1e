// The parameters that an operator declares for itself: at a call they follow
// from what is passed, are given by name, or have a default.
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/STLExtras.h"

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

bool OpChecker::solveParams(const OpCall &call, llvm::ArrayRef<Passed> passed,
                            Instance &callee) {
  llvm::StringMap<int64_t> values;
  bool ok = takeGivenParams(call, callee, values);
  for (const Passed &tensor : passed) {
    ok &= matchTensor(tensor, values);
  }
  if (!ok) {
    return false;
  }
  unsigned errors = diags.numErrors();
  for (const GenericParam &param : callee.decl.params) {
    std::optional<int64_t> value;
    const bool isSize = callee.sizeParams.contains(param.name.text);
    if (auto it = values.find(param.name.text); it != values.end()) {
      value = it->second;
    } else if (!isSize && !param.value) {
      diags.error(
          call.callee.range,
          "parameter '" + param.name.text + "' of '" + call.callee.text +
              "' does not follow from what is passed; write '" +
              call.callee.text + "<" + param.name.text + " = VALUE>(...)'");
      diags.note(param.name.range, "the parameter is declared here");
      continue;
    }
    Entered guard(*this, &callee);
    if (!value && !isSize) {
      value = callee.constants.evaluate(*param.value);
      ok &= value.has_value();
    }
    callee.params.add({param.name, value, /*isIdentity=*/false, isSize}, diags);
  }
  return ok && !failedSince(errors);
}

/// `<NAME = VALUE, ...>` of the call, constants of the caller.
bool OpChecker::takeGivenParams(const OpCall &call, Instance &callee,
                                llvm::StringMap<int64_t> &values) {
  unsigned errors = diags.numErrors();
  bool ok = true;
  for (const GenericParam &given : call.params) {
    const std::string &name = given.name.text;
    bool isDeclared =
        llvm::any_of(callee.decl.params, [&](const GenericParam &param) {
          return param.name.text == name;
        });
    if (!isDeclared) {
      diags.error(given.name.range,
                  "'" + call.callee.text + "' has no parameter '" + name + "'");
      diags.note(callee.decl.name.range, "it is declared here");
    } else if (!given.value) {
      diags.error(given.name.range,
                  "expected '" + name + " = VALUE' at a call");
    } else if (values.contains(name)) {
      diags.error(given.name.range, "parameter '" + name + "' is given twice");
    } else if (auto value = instance->constants.evaluate(*given.value)) {
      values[name] = *value;
    } else {
      ok = false;
    }
  }
  return ok && !failedSince(errors);
}

/// Takes the values of the parameters that stand alone as a width or as an
/// extent of the formal. What has a value already is compared later.
bool OpChecker::matchTensor(const Passed &passed,
                            llvm::StringMap<int64_t> &values) {
  const ast::Tensor &actual = op.tensors[passed.actual->tensor];
  const TensorInfo &info = tensorInfos[passed.actual->tensor];
  const TensorDecl &formal = *passed.formal;
  const auto findOpen = [&](const NodePtr &node) -> const GenericParam * {
    auto param =
        llvm::find_if(passed.callee->decl.params, [&](const GenericParam &p) {
          return node->kind == Node::Kind::Name && !node->hasSubscripts &&
                 node->name == p.name.text;
        });
    return param != passed.callee->decl.params.end() &&
                   !values.contains(param->name.text) &&
                   !passed.callee->sizeParams.contains(param->name.text)
               ? &*param
               : nullptr;
  };
  bool isShapeOpen = passed.role == ast::Role::Output && !info.hasShape;
  if (!isShapeOpen && actual.shape.size() != formal.shape.size()) {
    reportMismatch(passed, Twine(actual.shape.size()) + " dimension(s)",
                   Twine(formal.shape.size()));
    return false;
  }
  if (info.hasType && formal.type.width) {
    if (actual.type.str().substr(0, 1) != formal.type.text) {
      reportMismatch(passed, "type " + actual.type.str(),
                     formal.type.text + "{...}");
      return false;
    }
    if (const GenericParam *param = findOpen(formal.type.width)) {
      values[param->name.text] = actual.type.bits;
    }
  }
  for (auto [dim, written] : llvm::enumerate(formal.shape)) {
    const GenericParam *param =
        written.symbol ? nullptr : findOpen(written.value);
    std::optional<ast::Extent> extent =
        param ? knownExtent(passed.actual->tensor, dim) : std::nullopt;
    if (extent && extent->isStatic()) {
      values[param->name.text] = extent->size;
    } else if (extent) {
      passed.callee->sizeParams[param->name.text] = *extent;
    }
  }
  return true;
}
