// Packing of weights, and of any other w of a contraction, as loops.
#ifndef LPGEN_COMPILER_PASSES_PACKWEIGHTS_H
#define LPGEN_COMPILER_PASSES_PACKWEIGHTS_H

#include "compiler/passes/PackRow.h"

namespace lpgen {

/// Emits the task of `op`, a pack of w, that packs one panel of one batch and
/// group: `task` is [batch, panel, group].
void packWeights(lp::PackOp op, Emitter &e, Coordinates task);

} // namespace lpgen

#endif // LPGEN_COMPILER_PASSES_PACKWEIGHTS_H
