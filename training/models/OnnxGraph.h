// A network of floats in an ONNX file, as training walks along it: known
// numbers are folded by the importer, and nodes that only compute shapes are
// not met.
#ifndef LPGEN_TRAINING_MODELS_ONNXGRAPH_H
#define LPGEN_TRAINING_MODELS_ONNXGRAPH_H

#include "networks/import/onnx/Model.h"
#include <map>
#include <set>

namespace lpgen::nn {

using OnnxNode = importer::onnx::Node;
using importer::Constant;

class OnnxGraph {
public:
  /// Of a file with one input, of images, and one output. An error names the
  /// file.
  static Result<OnnxGraph> read(const std::string &path);

  const importer::onnx::GraphTensor &input() const {
    return model.inputs.front();
  }
  /// The numbers of an input of a node; null if they are not known.
  const Constant *constant(const OnnxNode &node, size_t i) const;
  /// The nodes that make of this tensor what the output is made of, in order.
  std::vector<const OnnxNode *> readers(const std::string &tensor) const;
  /// Nodes with weights: convolutions and matrix products.
  std::vector<const OnnxNode *> products() const;

  OnnxGraph(OnnxGraph &&) = default;
  OnnxGraph(const OnnxGraph &) = delete; ///< Nodes are pointed to.
  OnnxGraph &operator=(const OnnxGraph &) = delete;

private:
  OnnxGraph() = default;
  void findNumbers();
  void findLive();

  importer::onnx::Model model;
  std::map<std::string, Constant> numbers; ///< Of tensors, where known.
  std::set<const OnnxNode *> live;
  std::map<std::string, std::vector<const OnnxNode *>> readersOf;
};

/// "node 'conv1' (Conv): " and the reason.
Status nodeError(const OnnxNode &node, const std::string &reason);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_ONNXGRAPH_H
