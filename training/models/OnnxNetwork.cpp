// From the input to the output, branch by branch.
#include "training/models/OnnxNetwork.h"
#include "training/layers/SimpleLayers.h"
#include "training/models/OnnxLayers.h"
#include <algorithm>

namespace lpgen::nn {

using importer::onnx::DataType;

Result<OnnxNetwork> OnnxNetwork::open(const std::string &path, int64_t height,
                                      int64_t width, int64_t channels,
                                      std::vector<float> mean,
                                      std::vector<float> deviation) {
  Result<OnnxGraph> graph = OnnxGraph::read(path);
  LPGEN_RETURN_IF_ERROR(graph.status());
  OnnxNetwork network(std::move(*graph));
  LPGEN_RETURN_IF_ERROR(network.takeInput(height, width, channels));
  const bool isFloat = network.graph.input().type == int(DataType::Float);
  const auto spread = [&](std::vector<float> &values, float missing) {
    values = values.empty() ? std::vector<float>{missing} : std::move(values);
    values.resize(size_t(channels), values.front());
  };
  for (const std::vector<float> *values : {&mean, &deviation}) {
    if (values->size() > 1 && int64_t(values->size()) != channels) {
      return Status::error("--mean and --deviation are one number, or one for "
                           "each of the " +
                           std::to_string(channels) + " channels");
    }
  }
  spread(mean, 0);
  spread(deviation, isFloat ? 255 : 1);
  for (size_t c = 0; c < size_t(channels); ++c) {
    network.seen.gain.push_back(1 / double(deviation[c]));
    network.seen.offset.push_back(-double(mean[c]) / double(deviation[c]));
  }
  LPGEN_RETURN_IF_ERROR(network.takeHead());
  return network;
}

Status OnnxNetwork::takeInput(int64_t height, int64_t width, int64_t channels) {
  const importer::onnx::GraphTensor &input = graph.input();
  const std::optional<importer::Extents> &shape = input.shape;
  const auto fits = [&](std::initializer_list<int64_t> extents) {
    return shape && shape->size() == extents.size() + 1 &&
           std::equal(extents.begin(), extents.end(), shape->begin() + 1,
                      [](int64_t wanted, int64_t found) {
                        return found == wanted ||
                               found == importer::batchExtent;
                      });
  };
  isFlat = fits({height * width * channels});
  isByPixel = isFlat || (!fits({channels, height, width}) &&
                         fits({height, width, channels}));
  if (!isByPixel && !fits({channels, height, width})) {
    return Status::error(
        "the input " + std::string("'") + input.name +
        "' of the file takes no images of " + std::to_string(height) +
        " rows, " + std::to_string(width) + " columns and " +
        std::to_string(channels) + " channels, as the data set has them");
  }
  seen.height = height;
  seen.width = width;
  seen.channels = channels;
  first = input.name;
  return Status::success();
}

/// Leaves a tensor as it is, or makes floats of its integers.
static bool isCast(const OnnxNode &node) {
  return node.operation == "Identity" ||
         (node.operation == "Cast" &&
          node.integer("to", 0) == int64_t(DataType::Float));
}

Status OnnxNetwork::takeHead() {
  while (true) {
    const std::vector<const OnnxNode *> readers = graph.readers(first);
    if (readers.size() != 1 || readers[0]->outputs.empty()) {
      return Status::success();
    }
    const OnnxNode &node = *readers[0];
    OnnxPlace place = {seen.height, seen.width, seen.channels, isFlat,
                       isByPixel};
    if (!isCast(node)) {
      if (isFlat && seen.height * seen.width > 1) {
        return Status::success();
      }
      const Result<std::optional<ByChannel>> map =
          mapByChannel(graph, node, place);
      LPGEN_RETURN_IF_ERROR(map.status());
      if (!map->has_value()) {
        return Status::success();
      }
      for (size_t c = 0; c < seen.gain.size(); ++c) {
        seen.gain[c] *= (*map)->gain[c];
        seen.offset[c] = seen.offset[c] * (*map)->gain[c] + (*map)->offset[c];
      }
    }
    first = node.outputs[0];
  }
}

namespace {
/// Walks along the tensors and adds layers on the way.
class Walk {
public:
  Walk(const OnnxGraph &graph, OnnxLayers &layers)
      : graph(graph), layers(layers) {}

  /// To the end of the network, or to a sum of two branches, which `end` then
  /// is.
  Status follow(OnnxFlow &flow, const OnnxNode *&end);

private:
  struct Branch {
    std::unique_ptr<Sequential> chain;
    OnnxPlace place;
    const OnnxNode *end = nullptr;
  };
  bool isSum(const OnnxNode &node) const {
    return node.operation == "Add" && node.inputs.size() == 2 &&
           !graph.constant(node, 0) && !graph.constant(node, 1);
  }
  Result<Branch> take(const OnnxNode &node, const OnnxFlow &before,
                      const char *suffix);
  Status addBranches(const OnnxNode &one, const OnnxNode &other,
                     OnnxFlow &flow);

  const OnnxGraph &graph;
  OnnxLayers &layers;
  int depth = 0;
};
} // namespace

Status Walk::follow(OnnxFlow &flow, const OnnxNode *&end) {
  end = nullptr;
  while (true) {
    const std::vector<const OnnxNode *> readers = graph.readers(flow.tensor);
    if (readers.empty()) {
      return Status::success();
    }
    if (readers.size() > 2) {
      return nodeError(*readers[2], "more than two nodes read what it reads, "
                                    "expected two branches that are added");
    }
    if (readers.size() == 2) {
      LPGEN_RETURN_IF_ERROR(addBranches(*readers[0], *readers[1], flow));
    } else if (isSum(*readers[0])) {
      end = readers[0];
      return Status::success();
    } else {
      LPGEN_RETURN_IF_ERROR(layers.add(*readers[0], flow));
    }
  }
}

Result<Walk::Branch> Walk::take(const OnnxNode &node, const OnnxFlow &before,
                                const char *suffix) {
  Branch branch;
  branch.chain = std::make_unique<Sequential>(layers.nameOf(node) + suffix);
  OnnxFlow flow = before;
  flow.chain = branch.chain.get();
  flow.product = {};
  if (isSum(node)) {
    branch.end = &node;
  } else {
    LPGEN_RETURN_IF_ERROR(layers.add(node, flow));
    LPGEN_RETURN_IF_ERROR(follow(flow, branch.end));
  }
  branch.place = flow.place;
  return branch;
}

Status Walk::addBranches(const OnnxNode &one, const OnnxNode &other,
                         OnnxFlow &flow) {
  constexpr int deepest = 32;
  if (++depth > deepest) {
    return nodeError(one, "it is in too many branches of branches");
  }
  Result<Branch> main = take(one, flow, ".main");
  LPGEN_RETURN_IF_ERROR(main.status());
  Result<Branch> shortcut = take(other, flow, ".shortcut");
  LPGEN_RETURN_IF_ERROR(shortcut.status());
  if (!main->end || main->end != shortcut->end) {
    return nodeError(one, "what it begins does not meet what " +
                              other.fullName() + " '" + other.name +
                              "' begins in a sum of both");
  }
  if (!(main->place == shortcut->place)) {
    return nodeError(*main->end, "it adds " + main->place.text() + " and " +
                                     shortcut->place.text() +
                                     ", expected equal shapes");
  }
  if (main->chain->isEmpty()) {
    std::swap(*main, *shortcut);
  }
  flow.place = main->place;
  // Nothing follows it; a relu is a layer of its own here.
  flow.chain->add(std::make_unique<Residual>(
      layers.nameOf(*main->end), std::move(main->chain),
      std::move(shortcut->chain), Activation::Sign));
  flow.tensor = main->end->outputs.at(0);
  flow.product = {};
  --depth;
  return Status::success();
}

Result<std::unique_ptr<Layer>>
OnnxNetwork::build(const ModelSpec &spec, const MakeBackend &makeBackend,
                   const RandomKey &random) const {
  auto chain = std::make_unique<Sequential>(spec.name);
  OnnxLayers layers(graph, makeBackend, random);
  OnnxFlow flow;
  flow.tensor = first;
  flow.chain = chain.get();
  flow.place = {seen.height, seen.width, seen.channels, isFlat, isByPixel};
  if (isFlat) {
    chain->add(std::make_unique<Flatten>("image"));
  }
  const OnnxNode *end = nullptr;
  LPGEN_RETURN_IF_ERROR(Walk(graph, layers).follow(flow, end));
  if (end) {
    return nodeError(*end, "only one of what it adds comes from the images");
  }
  if (graph.products().empty() || !flow.place.isFlat ||
      flow.place.size() != spec.classes) {
    return Status::error("the network ends with " + flow.place.text() +
                         ", expected a score for each of the " +
                         std::to_string(spec.classes) +
                         " classes of the data set");
  }
  return std::unique_ptr<Layer>(std::move(chain));
}

} // namespace lpgen::nn
