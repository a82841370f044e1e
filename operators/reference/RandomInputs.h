// Inputs for verification: random ones and those at which kernels break.
//
// Stands between the syntax tree, whose declarations say which values are
// legal, and whoever runs an op on made-up data: verify, the tuner, tests.
// Every element is a function of kind, seed, tensor id and position alone.
#ifndef LPGEN_OPERATORS_REFERENCE_RANDOMINPUTS_H
#define LPGEN_OPERATORS_REFERENCE_RANDOMINPUTS_H

#include "base/tensor/Tensor.h"
#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace lpgen {

/// What the elements of all inputs are like. Integers stay inside the declared
/// range, else the type's. f32 elements are finite and moderate unless said
/// otherwise.
enum class InputKind {
  /// Uniform over the legal values; an integer of 32 or more bits without
  /// declared
  /// range is drawn from [-16, 16]. f32: powers of two, halves, and uniform in
  /// [-8, 8).
  Random,
  AllMin,        ///< Every integer the least legal value; f32: -8.
  AllMax,        ///< Every integer the greatest legal value; f32: +8.
  MixedExtremes, ///< Each element one of these two at random.
  NearestZero,   ///< Zero, or the legal value next to it (positive on a tie).
  FloatExtremes, ///< f32: infinities, NaN, denormals, limits, ties; else
                 ///< Random.
};

inline constexpr InputKind allInputKinds[] = {
    InputKind::Random,        InputKind::AllMin,      InputKind::AllMax,
    InputKind::MixedExtremes, InputKind::NearestZero, InputKind::FloatExtremes};

/// "random", "all-min", ...: the name that reports print.
const char *inputKindName(InputKind kind);

/// Fills `values`, which has the type of `tensor`.
void fillInput(const ast::Tensor &tensor, unsigned tensorId, InputKind kind,
               uint64_t seed, HostTensor &values);

/// All inputs of `op` at the places of their ids, then empty tensors for the
/// rest; what Interpreter::run takes. An error if a tensor is too large.
Result<std::vector<HostTensor>> makeInputs(const ast::Op &op,
                                           llvm::ArrayRef<int64_t> symbolValues,
                                           InputKind kind, uint64_t seed);

} // namespace lpgen

#endif // LPGEN_OPERATORS_REFERENCE_RANDOMINPUTS_H
