// An operator under check: the one that is asked for, or a call of another in
// it.
//
// What an operator calls is checked in its place, with the tensors of the
// caller under the names of the callee. The text of the callee is not copied:
// each call has its own meaning of the names that stand in it.
#ifndef LPGEN_OPERATORS_FRONTEND_INSTANCE_H
#define LPGEN_OPERATORS_FRONTEND_INSTANCE_H

#include "operators/frontend/ConstantTable.h"
#include <deque>

namespace lpgen {

/// What the name of a tensor stands for in an operator's text.
struct Binding {
  enum class State { Unassigned, BeingAssigned, Assigned };

  std::string name;
  llvm::SMRange range;               ///< Where it is declared or assigned.
  ast::Role role = ast::Role::Input; ///< In this text.
  unsigned tensor = 0;
  /// What reads outside by this name yield.
  std::optional<ast::Padding> padding;
  State state = State::Assigned;
  llvm::SMRange assignedAt; ///< Invalid for inputs.
  bool isRead = false;
};

/// What a run-time size of an operator's text is.
struct Size {
  ast::Extent extent;
  int64_t bound = 0; ///< As declared; that of the extent may be less.
  llvm::SMRange range;
};

struct Instance {
  Instance(const syntax::OpDecl &decl, const ParamTable &fileParams,
           const ConstantTable &fileConstants, UsedParams &used,
           Diagnostics &diags)
      : decl(decl), fileParams(&fileParams), fileConstants(&fileConstants),
        params(&fileParams), constants(params, used, diags) {}
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  Binding *find(llvm::StringRef name) {
    auto it = byName.find(name);
    return it == byName.end() ? nullptr : it->second;
  }
  Binding &bind(Binding binding) {
    bindings.push_back(std::move(binding));
    return *(byName[bindings.back().name] = &bindings.back());
  }

  const syntax::OpDecl &decl;
  const ParamTable *fileParams;
  const ConstantTable *fileConstants;
  ParamTable params; ///< Its own, beside those of its file.
  ConstantEvaluator constants;
  std::deque<Binding> bindings; ///< In the order of the text.
  llvm::StringMap<Binding *> byName;
  llvm::StringMap<Size> sizes;
  /// Parameters of its own that stand for run-time sizes of the caller.
  llvm::StringMap<ast::Extent> sizeParams;
  /// The call; null for the operator that is asked for.
  Instance *caller = nullptr;
  Diagnostics::Call call;
  unsigned depth = 0;
  std::string path; ///< Stands before the names of its intermediates: "b.".
};

/// The operators that can be called, with the parameters and the constants of
/// their files.
struct CallableOp {
  const syntax::OpDecl *decl;
  const ParamTable *params;
  const ConstantTable *constants;
};
using CallableOps = llvm::StringMap<CallableOp>;

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_INSTANCE_H
