// Channels of intermediates that no product needs, as filters of pruned
// networks leave them.
#ifndef LPGEN_OPERATORS_NETWORK_DEADCHANNELS_H
#define LPGEN_OPERATORS_NETWORK_DEADCHANNELS_H

#include "operators/frontend/Ast.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace lpgen {

/// Channels that are left out of a tensor and of those that have the same.
struct LeftOut {
  unsigned tensor; ///< The first of the op's tensors with these channels.
  int64_t channels;
  int64_t left; ///< A multiple of 8, unless there were fewer.
};

/// The operator without the channels that no result depends on, and what they
/// are of; nothing if there are none. It has the same inputs, outputs and
/// statements. A channel is a position in a dimension of an intermediate that
/// all reads subscript by an index alone. It is left out where in each sum over
/// the channels its products are 0: all weights of it are, or what is computed
/// for it from weights, scales and offsets is 0.
std::optional<ast::Op>
withoutDeadChannels(const ast::Op &op,
                    llvm::function_ref<void(const LeftOut &)> report);

} // namespace lpgen

#endif // LPGEN_OPERATORS_NETWORK_DEADCHANNELS_H
