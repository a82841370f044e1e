// Tables of layers as text and JSON. See LayerTable.h.
#include "workbench/layers/LayerTable.h"
#include "base/system/Table.h"
#include "operators/network/InsideMacs.h"
#include "operators/network/SubOperator.h"
#include "operators/reference/Interpreter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace lpgen {

using llvm::formatv;
namespace json = llvm::json;

std::string LayerLine::result() const {
  return type.str() + shapeToString(shape);
}

std::optional<double> LayerLine::cycles() const {
  double sum = 0;
  for (const ContractFacts &contraction : contractions) {
    if (!contraction.cycles) {
      return std::nullopt;
    }
    sum += *contraction.cycles;
  }
  return contractions.empty() ? std::nullopt : std::optional(sum);
}

int64_t LayerLine::weightBytes() const {
  int64_t bytes = 0;
  for (const ContractFacts &contraction : contractions) {
    bytes += contraction.weightBytes;
  }
  return bytes;
}

static LayerLine makeLine(const ast::Op &op, Layer layer,
                          llvm::ArrayRef<int64_t> sizes) {
  const ast::Tensor &result = op.tensors[layer.results.front()];
  const ast::Op alone = makeSubOperator(op, layer.statements, layer.results).op;
  LayerLine line;
  line.type = result.type;
  for (const ast::Extent &extent : result.shape) {
    line.shape.push_back(op.sizeOf(extent, sizes));
  }
  line.macs = insideMultiplyAccumulates(alone, sizes)
                  .value_or(multiplyAccumulates(alone, sizes));
  line.layer = std::move(layer);
  return line;
}

static std::vector<Layer> layersIn(const std::vector<LayerLine> &lines) {
  std::vector<Layer> layers;
  layers.reserve(lines.size());
  for (const LayerLine &line : lines) {
    layers.push_back(line.layer);
  }
  return layers;
}

/// The line of the layer that assigns the tensor called `name`; -1 if none
/// does.
static int lineOf(const ast::Op &op, const std::vector<int> &assigning,
                  llvm::StringRef name) {
  for (size_t i = 0; i < op.tensors.size(); ++i) {
    if (op.tensors[i].name == name && assigning[i] >= 0) {
      return assigning[i];
    }
  }
  return -1;
}

std::optional<CompiledNetwork> scheduledStages(const ast::Op &op,
                                               llvm::SourceMgr &sources,
                                               const CompileOptions &options) {
  CompileOptions early = options;
  early.stopAfter = Stage::Scheduled;
  const std::optional<CompiledOp> scheduled = compileOp(op, sources, early);
  early.showsRemarks = false; // they are said
  early.stopAfter = Stage::Packed;
  std::optional<CompiledOp> packed =
      scheduled ? compileOp(op, sources, early) : std::nullopt;
  if (!packed) {
    return std::nullopt;
  }
  PhaseFacts phases = phaseFacts(packed->mlir);
  return CompiledNetwork{std::move(*packed), scheduled->mlir,
                         std::move(phases)};
}

CompiledNetwork compileStages(const ast::Op &op, CompiledOp compiled,
                              llvm::SourceMgr &sources,
                              const CompileOptions &options) {
  CompileOptions early = options;
  early.showsRemarks = false; // they are said
  std::optional<CompiledNetwork> network = scheduledStages(op, sources, early);
  assert(network && "what compiles to the end passes all stages");
  network->compiled = std::move(compiled);
  return std::move(*network);
}

std::vector<LayerLine> layerLines(const ast::Op &op,
                                  const CompiledNetwork &network,
                                  llvm::ArrayRef<int64_t> sizes) {
  std::vector<Layer> layers = layersOf(op);
  const std::vector<int> assigning = assigningLayers(op, layers);
  const std::vector<size_t> computed =
      computedIn(op, layers, [&](const std::string &tensor) {
        return llvm::is_contained(network.phases.targets, tensor);
      });
  std::vector<LayerLine> lines;
  for (size_t i = 0; i < layers.size(); ++i) {
    lines.push_back(makeLine(op, std::move(layers[i]), sizes));
    lines.back().computedIn = computed[i];
  }
  for (ContractFacts &contraction : contractFacts(network.scheduledIr)) {
    const int line = lineOf(op, assigning, contraction.label);
    assert(line >= 0 && "labels of contractions are names of tensors");
    lines[size_t(line)].contractions.push_back(std::move(contraction));
  }
  return lines;
}

std::vector<size_t> linesOfPhases(const ast::Op &op,
                                  const CompiledNetwork &network,
                                  const std::vector<LayerLine> &lines) {
  const std::vector<int> assigning = assigningLayers(op, layersIn(lines));
  std::vector<size_t> numbers;
  for (const std::string &target : network.phases.targets) {
    const int line = lineOf(op, assigning, target);
    assert(line >= 0 && "phases have the names of tensors");
    numbers.push_back(size_t(line));
  }
  return numbers;
}

static std::string
joined(const std::vector<ContractFacts> &contractions,
       llvm::function_ref<std::string(const ContractFacts &)> textOf) {
  std::string text;
  for (const ContractFacts &contraction : contractions) {
    const std::string next = textOf(contraction);
    if (llvm::StringRef(text) != next) {
      text += (text.empty() ? "" : ", ") + next;
    }
  }
  return text;
}

static std::string macText(int64_t macs) {
  return formatv("{0:f3}", double(macs) * 1e-6);
}

int64_t LayerTable::macsIn(size_t number) const {
  int64_t sum = 0;
  for (const LayerLine &line : lines) {
    sum += line.computedIn == number ? line.macs : 0;
  }
  return sum;
}

std::vector<int> LayerTable::layersOfTensors(const ast::Op &op) const {
  return assigningLayers(op, layersIn(lines));
}

std::string LayerTable::kernelText(size_t number) const {
  const LayerLine &line = lines[number];
  if (line.computedIn != number) {
    return "in " + lines[line.computedIn].layer.name;
  }
  if (line.contractions.empty()) {
    return "loops";
  }
  return joined(line.contractions, [](const ContractFacts &contraction) {
    return contraction.templateName +
           (contraction.cell.empty() ? "" : " " + contraction.cell);
  });
}

std::string LayerTable::summary() const {
  return formatv("{0}{1} layers, {2} M MAC, {3:f0} cycles expected, {4} bytes "
                 "of weights, {5} of workspace, of which {6} live together",
                 sizes.empty() ? "" : sizes + ": ", lines.size(), macText(macs),
                 cycles, weightBytes, compiled.kernel.workspaceBytes,
                 bytesAlive);
}

LayerTable::LayerTable(const ast::Op &op, const CompiledNetwork &network)
    : compiled(network.compiled), bytesAlive(network.phases.mostBytesAlive) {
  const std::vector<int64_t> bounds = op.largestSizes();
  for (size_t i = 0; i < bounds.size(); ++i) {
    sizes += (sizes.empty() ? "" : ", ") + op.symbols[i].name + " = " +
             std::to_string(bounds[i]);
  }
  lines = layerLines(op, network, bounds);
  for (size_t i = 0; i < lines.size(); ++i) {
    macs += lines[i].macs;
    weightBytes += lines[i].weightBytes();
    cycles += lines[i].cycles().value_or(0);
    numUnknown += lines[i].computedIn == i && !lines[i].cycles() ? 1 : 0;
  }
}

std::string LayerTable::text() const {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "result", "bits", "used", "kernel", "M MAC", "cycles", "share",
       "weight bytes"}};
  for (size_t i = 0; i < lines.size(); ++i) {
    const LayerLine &line = lines[i];
    const std::optional<double> expected = line.cycles();
    rows.push_back(
        {line.layer.name, line.result(),
         joined(line.contractions,
                [](const ContractFacts &contraction) {
                  return contraction.x.str() + " x " + contraction.w.str();
                }),
         joined(line.contractions,
                [](const ContractFacts &contraction) {
                  return std::to_string(contraction.xBits) + " x " +
                         std::to_string(contraction.wBits);
                }),
         kernelText(i), macsIn(i) > 0 ? macText(macsIn(i)) : "-",
         expected ? formatv("{0:f0}", *expected).str() : "-",
         expected ? formatv("{0:f1} %", *expected / cycles * 100).str() : "-",
         line.contractions.empty() ? "-" : std::to_string(line.weightBytes())});
  }
  rows.push_back({"total", "", "", "", "", macText(macs),
                  formatv("{0:f0}", cycles), cycles > 0 ? "100.0 %" : "-",
                  std::to_string(weightBytes)});
  std::string text = "layers of " + compiled.op +
                     (sizes.empty() ? "" : " for " + sizes) + "\n" +
                     formatTable(rows, 5);
  text += "  cycles are those that the cost model expects of contractions";
  if (numUnknown > 0) {
    text +=
        formatv("; it has none for {0} layer(s), which the total leaves out",
                numUnknown);
  }
  return text + formatv("\n  workspace {0} bytes, of which at most {1} live at "
                        "once; scratch {2} bytes for each thread\n",
                        compiled.kernel.workspaceBytes, bytesAlive,
                        compiled.kernel.scratchBytes)
                    .str();
}

static json::Value toJson(const ContractFacts &contraction) {
  return json::Object{{"statement", contraction.label},
                      {"x", contraction.x.str()},
                      {"w", contraction.w.str()},
                      {"xUsedBits", contraction.xBits},
                      {"wUsedBits", contraction.wBits},
                      {"template", contraction.templateName},
                      {"cell", contraction.cell},
                      {"schedule", contraction.schedule},
                      {"cycles", contraction.cycles ? json::Value(std::round(
                                                          *contraction.cycles))
                                                    : json::Value(nullptr)},
                      {"weightBytes", contraction.weightBytes}};
}

json::Value LayerTable::toJson() const {
  json::Array layers;
  for (const LayerLine &line : lines) {
    json::Array contractions;
    for (const ContractFacts &contraction : line.contractions) {
      contractions.push_back(lpgen::toJson(contraction));
    }
    const std::optional<double> expected = line.cycles();
    layers.push_back(
        json::Object{{"name", line.layer.name},
                     {"type", line.type.str()},
                     {"shape", json::Array(line.shape)},
                     {"macs", line.macs},
                     {"computedIn", lines[line.computedIn].layer.name},
                     {"contractions", std::move(contractions)},
                     {"cycles", expected ? json::Value(std::round(*expected))
                                         : json::Value(nullptr)},
                     {"weightBytes", line.weightBytes()}});
  }
  return json::Object{{"op", compiled.op},
                      {"kernel", compiled.symbol},
                      {"sizes", sizes},
                      {"layers", std::move(layers)},
                      {"macs", macs},
                      {"cycles", std::round(cycles)},
                      {"weightBytes", weightBytes},
                      {"workspaceBytes", compiled.kernel.workspaceBytes},
                      {"workspaceLiveBytes", bytesAlive},
                      {"scratchBytes", compiled.kernel.scratchBytes}};
}

} // namespace lpgen
