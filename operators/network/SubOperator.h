// A part of an operator as an operator of its own.
//
// Verification makes the results of all layers outputs; the tuner tries the
// schedules of one layer without the others.
#ifndef LPGEN_OPERATORS_NETWORK_SUBOPERATOR_H
#define LPGEN_OPERATORS_NETWORK_SUBOPERATOR_H

#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"

namespace lpgen {

/// An operator made of some of another's.
struct SubOperator {
  ast::Op op;
  std::vector<unsigned> origins; ///< For each of its tensors that of the other.
};

/// The statements with these numbers, in ascending order. What they read and do
/// not assign are inputs, in the order of the tensors of `op`, unless it is
/// constant; inputs have the ranges that are proved in `op`. `outputs` are
/// tensors that they assign. Inputs and outputs that are no identifiers in
/// `op`, as `b.acc`, get names that are.
SubOperator makeSubOperator(const ast::Op &op,
                            llvm::ArrayRef<unsigned> statements,
                            llvm::ArrayRef<unsigned> outputs);

/// The same operator again.
ast::Op copyOf(const ast::Op &op);

} // namespace lpgen

#endif // LPGEN_OPERATORS_NETWORK_SUBOPERATOR_H
