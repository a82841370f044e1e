// A network as a table of its layers: what each computes, with which kernel,
// and what the compiler expects of it.
#ifndef LPGEN_WORKBENCH_LAYERS_LAYERTABLE_H
#define LPGEN_WORKBENCH_LAYERS_LAYERTABLE_H

#include "compiler/pipeline/Compile.h"
#include "compiler/pipeline/ContractFacts.h"
#include "operators/network/Layers.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

struct LayerLine {
  Layer layer;
  ElementType type;           ///< Of its first result.
  std::vector<int64_t> shape; ///< Likewise.
  /// Multiply-accumulates inside the tensors where their number is known.
  int64_t macs = 0;
  /// The line in whose kernel code it is computed; its own as a rule.
  size_t computedIn = 0;
  std::vector<ContractFacts> contractions;

  std::string result() const; ///< "u4[1, 8, 8, 16]".
  /// Nothing if a contraction has none, or there is no contraction.
  std::optional<double> cycles() const;
  int64_t weightBytes() const;
};

/// An operator at the stages that tables of layers are made from.
struct CompiledNetwork {
  CompiledOp compiled;
  std::string scheduledIr;
  PhaseFacts phases;
};

/// What the early stages say of `op`, without its object: nothing, and why in
/// `sources`, if it does not get as far.
std::optional<CompiledNetwork> scheduledStages(const ast::Op &op,
                                               llvm::SourceMgr &sources,
                                               const CompileOptions &options);

/// Adds to `compiled`, made from `op` with `options`, what earlier stages say.
CompiledNetwork compileStages(const ast::Op &op, CompiledOp compiled,
                              llvm::SourceMgr &sources,
                              const CompileOptions &options);

/// The layers of `op` for these run-time sizes.
std::vector<LayerLine> layerLines(const ast::Op &op,
                                  const CompiledNetwork &network,
                                  llvm::ArrayRef<int64_t> sizes);

/// For each phase of the kernel the line of the layer that it computes.
std::vector<size_t> linesOfPhases(const ast::Op &op,
                                  const CompiledNetwork &network,
                                  const std::vector<LayerLine> &lines);

/// The layers of one operator for the bounds of its run-time sizes.
struct LayerTable {
  LayerTable(const ast::Op &op, const CompiledNetwork &network);

  std::string text() const;
  llvm::json::Value toJson() const;
  /// One line: work, expected cycles, bytes.
  std::string summary() const;
  /// Multiply-accumulates of the layers that are computed in layer `number`.
  int64_t macsIn(size_t number) const;
  /// "widen maddubs16", "loops", or the layer that it is part of.
  std::string kernelText(size_t number) const;
  llvm::ArrayRef<LayerLine> layers() const { return lines; }
  /// For each tensor of `op` the number of the layer that assigns it, or -1.
  std::vector<int> layersOfTensors(const ast::Op &op) const;

private:
  std::string sizes; ///< "n = 4"; "" without run-time sizes.
  const CompiledOp &compiled;
  int64_t bytesAlive; ///< In the workspace, at most.
  std::vector<LayerLine> lines;
  int64_t macs = 0;
  double cycles = 0; ///< Of the layers of which the cost model knows them.
  int64_t weightBytes = 0;
  size_t numUnknown = 0; ///< Layers with phases of their own, without cycles.
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_LAYERS_LAYERTABLE_H
