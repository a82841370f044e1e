// The work that an operator does, products with padding left out.
#ifndef LPGEN_OPERATORS_NETWORK_INSIDEMACS_H
#define LPGEN_OPERATORS_NETWORK_INSIDEMACS_H

#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <optional>

namespace lpgen {

/// Multiply-accumulates whose operands all lie inside their tensors; nothing if
/// an index stands in several subscripts that can fall outside. As
/// multiplyAccumulates, which also counts the others, this counts bodies of
/// innermost reductions.
std::optional<int64_t> insideMultiplyAccumulates(const ast::Op &op,
                                                 llvm::ArrayRef<int64_t> sizes);

} // namespace lpgen

#endif // LPGEN_OPERATORS_NETWORK_INSIDEMACS_H
