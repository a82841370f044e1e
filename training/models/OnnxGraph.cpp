// From the output back to the input.
#include "training/models/OnnxGraph.h"
#include "base/system/AtomicFile.h"
#include "base/system/Text.h"
#include "networks/import/onnx/Lowering.h"
#include <algorithm>
#include <filesystem>
#include <ranges>

namespace lpgen::nn {

Status nodeError(const OnnxNode &node, const std::string &reason) {
  return Status::error("node " + quotedForMessage(node.name) + " (" +
                       quotedForMessage(node.fullName()) + "): " + reason);
}

Result<OnnxGraph> OnnxGraph::read(const std::string &path) {
  const Result<std::string> bytes = readWholeFile(path);
  LPGEN_RETURN_IF_ERROR(bytes.status());
  const std::string folder = std::filesystem::path(path).parent_path().string();
  Result<importer::onnx::Model> model = importer::onnx::readModel(
      std::as_bytes(std::span(*bytes)), folder.empty() ? "." : folder);
  if (!model.ok()) {
    return Status::error("'" + path + "': " + model.message());
  }
  if (model->inputs.size() != 1 || model->outputs.size() != 1) {
    return Status::error("'" + path + "' has " +
                         std::to_string(model->inputs.size()) + " inputs and " +
                         std::to_string(model->outputs.size()) +
                         " outputs, expected one of images and one of scores");
  }
  OnnxGraph graph;
  graph.model = std::move(*model);
  graph.findNumbers();
  graph.findLive();
  return graph;
}

void OnnxGraph::findNumbers() {
  importer::Program ignored("network");
  const importer::ImportOptions options;
  importer::onnx::Lowering lowering(model, ignored, options);
  lowering.run();
  numbers = lowering.known();
}

/// The inputs of some operators beside the first one say only how.
static bool takesOneTensor(const OnnxNode &node) {
  static const std::set<std::string> operations = {
      "Reshape", "Squeeze", "Unsqueeze",  "Slice",
      "Pad",     "Clip",    "ReduceMean", "Dropout"};
  return operations.contains(node.operation);
}

void OnnxGraph::findLive() {
  std::set<std::string> wanted = {model.outputs.front().name};
  for (const OnnxNode &node : std::views::reverse(model.nodes)) {
    const bool isWanted = std::ranges::any_of(
        node.outputs, [&](const auto &name) { return wanted.contains(name); });
    if (!isWanted || std::ranges::all_of(node.outputs, [&](const auto &name) {
          return name.empty() || numbers.contains(name);
        })) {
      continue;
    }
    live.insert(&node);
    const size_t count = takesOneTensor(node)
                             ? std::min<size_t>(1, node.inputs.size())
                             : node.inputs.size();
    wanted.insert(node.inputs.begin(), node.inputs.begin() + long(count));
  }
  for (const OnnxNode &node : model.nodes) {
    const size_t count = takesOneTensor(node) ? 1 : node.inputs.size();
    for (size_t i = 0; i < std::min(count, node.inputs.size()); ++i) {
      auto &list = readersOf[node.inputs[i]];
      if (live.contains(&node) && (list.empty() || list.back() != &node)) {
        list.push_back(&node);
      }
    }
  }
}

const Constant *OnnxGraph::constant(const OnnxNode &node, size_t i) const {
  if (!node.hasInput(i)) {
    return nullptr;
  }
  const auto found = numbers.find(node.inputs[i]);
  return found == numbers.end() ? nullptr : &found->second;
}

std::vector<const OnnxNode *>
OnnxGraph::readers(const std::string &tensor) const {
  const auto found = readersOf.find(tensor);
  return found == readersOf.end() ? std::vector<const OnnxNode *>()
                                  : found->second;
}

std::vector<const OnnxNode *> OnnxGraph::products() const {
  std::vector<const OnnxNode *> found;
  for (const OnnxNode &node : model.nodes) {
    if (live.contains(&node) &&
        (node.operation == "Conv" || node.operation == "Gemm" ||
         node.operation == "MatMul")) {
      found.push_back(&node);
    }
  }
  return found;
}

} // namespace lpgen::nn
