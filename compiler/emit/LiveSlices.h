// The slices of a constant that are not all zero, for products that can be left
// out.
#ifndef LPGEN_COMPILER_EMIT_LIVESLICES_H
#define LPGEN_COMPILER_EMIT_LIVESLICES_H

#include "base/tensor/Tensor.h"
#include "llvm/ADT/SmallVector.h"

namespace lpgen {

/// `live` of #lp.buffer: first, step and count of slices, for each dimension.
/// None of floats, whose zeros count in sums, and where all of them are live.
llvm::SmallVector<int64_t> liveSlicesOf(const HostTensor &values);

} // namespace lpgen

#endif // LPGEN_COMPILER_EMIT_LIVESLICES_H
