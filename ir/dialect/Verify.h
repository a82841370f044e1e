// What the verifiers of several ops ask.
#ifndef LPGEN_IR_DIALECT_VERIFY_H
#define LPGEN_IR_DIALECT_VERIFY_H

#include "mlir/IR/Value.h"

namespace lpgen::lp {

/// The most elements of a tensor, as in the language.
constexpr int64_t kMostElements = int64_t{1} << 40;

/// A row of bytes of constant length.
bool isByteBuffer(mlir::Value value);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_VERIFY_H
