// The layers of an operator that calls others: what has a line of its own in
// the tables of explain and bench, and what verify compares.
//
// A layer is what one call of an operator computes that calls nothing itself;
// the names of tensors tell. Other statements are layers of their own, but for
// one whose exact result feeds exactly one other that reduces nothing: it
// belongs to that one's layer, as the sums of a convolution belong to their
// requantization.
#ifndef LPGEN_OPERATORS_NETWORK_LAYERS_H
#define LPGEN_OPERATORS_NETWORK_LAYERS_H

#include "operators/frontend/Ast.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>
#include <vector>

namespace lpgen {

struct Layer {
  std::string name; ///< Of its result, with the path of calls to it.
  std::vector<unsigned> statements; ///< By number, ascending.
  /// What it assigns that others read, or that is an output.
  std::vector<unsigned> results;
};

/// The layers of `op`, each after those that it reads.
std::vector<Layer> layersOf(const ast::Op &op);

/// True if there are several layers, and some come from calls or sum up
/// products.
bool hasLayers(const ast::Op &op);

/// The layer in whose kernel code each layer is computed, itself as a rule. A
/// layer that was fused into the one that reads it has no phase of its own.
/// `hasPhase` says whether a phase is named after a tensor.
std::vector<size_t>
computedIn(const ast::Op &op, const std::vector<Layer> &layers,
           llvm::function_ref<bool(const std::string &)> hasPhase);

/// The number of the layer that assigns each tensor; -1 for those that none
/// does.
std::vector<int> assigningLayers(const ast::Op &op,
                                 const std::vector<Layer> &layers);

/// Calls `visit` for each tensor that the statement reads, paddings included.
void forEachRead(const ast::Statement &statement,
                 llvm::function_ref<void(unsigned tensor)> visit);

} // namespace lpgen

#endif // LPGEN_OPERATORS_NETWORK_LAYERS_H
