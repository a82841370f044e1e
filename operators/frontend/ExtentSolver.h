// Equations between the extents of indices and dimensions.
//
// Every index of every statement, and so every dimension of an intermediate, is
// an unknown. A lone index in a dimension of known extent fixes it; a lone
// index in a dimension of an intermediate makes two unknowns equal, in
// whichever direction the knowledge flows. Union-find solves that in one pass
// over the operator.
#ifndef LPGEN_OPERATORS_FRONTEND_EXTENTSOLVER_H
#define LPGEN_OPERATORS_FRONTEND_EXTENTSOLVER_H

#include "operators/frontend/Diagnostics.h"
#include "operators/frontend/Syntax.h"

namespace lpgen {

class ExtentSolver {
public:
  /// Where an extent was learnt: `description` completes "extent N in ...".
  struct Source {
    ast::Extent extent;
    std::string description;
    llvm::SMRange range;
  };

  ExtentSolver(const ast::Op &op, Diagnostics &diags) : op(op), diags(diags) {}

  /// A new unknown.
  unsigned add();
  /// Unknown `id`, the extent of index `index`, is `source.extent`.
  void bind(unsigned id, const std::string &index, Source source);
  /// Unknowns `a` and `b` are the same size, because of `index` at `range`.
  void unify(unsigned a, unsigned b, const std::string &index,
             llvm::SMRange range);
  /// The extent of `id` if an equation fixes it.
  std::optional<ast::Extent> get(unsigned id);

  /// The same for all unknowns that were made equal.
  unsigned representative(unsigned id);

private:
  void conflict(const std::string &index, llvm::SMRange range,
                const Source &found, const Source &earlier);

  const ast::Op &op;
  Diagnostics &diags;
  std::vector<unsigned> parents;
  std::vector<std::optional<Source>> sources;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_EXTENTSOLVER_H
