// Sums of pairs of a constant's values, for bounds of narrow accumulators.
#ifndef LPGEN_COMPILER_EMIT_PAIRSUMS_H
#define LPGEN_COMPILER_EMIT_PAIRSUMS_H

#include "base/tensor/Tensor.h"
#include "llvm/ADT/SmallVector.h"

namespace lpgen {

/// `pairSums` of #lp.buffer whose `live` slices are known. None of tensors
/// whose elements do not fit a signed byte.
llvm::SmallVector<int64_t> pairSumsOf(const HostTensor &values,
                                      llvm::ArrayRef<int64_t> live);

} // namespace lpgen

#endif // LPGEN_COMPILER_EMIT_PAIRSUMS_H
