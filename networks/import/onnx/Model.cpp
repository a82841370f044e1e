// From the bytes of a file to its graph.
#include "networks/import/onnx/Model.h"
#include "base/system/Text.h"
#include "networks/import/Names.h"
#include "networks/import/onnx/Tensors.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

namespace lpgen::importer::onnx {

namespace proto = google::protobuf;

/// Messages nest so deep; those of networks nest less than ten.
constexpr int maxDepth = 64;
constexpr int maxNodes = 1 << 16;

int64_t Node::integer(const std::string &attribute, int64_t otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.integer;
}
float Node::real(const std::string &attribute, float otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.real;
}
std::string Node::text(const std::string &attribute,
                       const std::string &otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.text;
}
std::vector<int64_t>
Node::integers(const std::string &attribute,
               const std::vector<int64_t> &otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.integers;
}
std::string Node::fullName() const {
  return oneLine(domain.empty() || domain == "ai.onnx"
                     ? operation
                     : domain + "::" + operation);
}

static Result<Attribute> readAttribute(const ::onnx::AttributeProto &from,
                                       const std::string &folder) {
  using Proto = ::onnx::AttributeProto;
  Attribute to;
  // Old writers leave the type out.
  const auto type = from.type() != Proto::UNDEFINED ? from.type()
                    : from.has_i()                  ? Proto::INT
                    : from.has_f()                  ? Proto::FLOAT
                    : from.has_s()                  ? Proto::STRING
                    : from.ints_size() > 0          ? Proto::INTS
                    : from.floats_size() > 0        ? Proto::FLOATS
                    : from.has_t()                  ? Proto::TENSOR
                                                    : Proto::UNDEFINED;
  to.integer = from.i();
  to.real = from.f();
  to.text = from.s();
  to.integers.assign(from.ints().begin(), from.ints().end());
  to.reals.assign(from.floats().begin(), from.floats().end());
  switch (type) {
  case Proto::INT:
    to.kind = Attribute::Kind::Int;
    to.real = float(to.integer);
    break;
  case Proto::FLOAT:
    to.kind = Attribute::Kind::Float;
    break;
  case Proto::STRING:
    to.kind = Attribute::Kind::String;
    break;
  case Proto::INTS:
    to.kind = Attribute::Kind::Ints;
    break;
  case Proto::FLOATS:
    to.kind = Attribute::Kind::Floats;
    break;
  case Proto::TENSOR: {
    to.kind = Attribute::Kind::Tensor;
    Result<Constant> tensor = readTensor(from.t(), folder);
    LPGEN_RETURN_IF_ERROR(tensor.status());
    to.tensor = std::move(*tensor);
    break;
  }
  default:
    break;
  }
  return to;
}

static Result<Node> readNode(const ::onnx::NodeProto &from,
                             const std::string &folder) {
  Node node;
  node.operation = from.op_type();
  node.domain = from.domain();
  node.inputs.assign(from.input().begin(), from.input().end());
  node.outputs.assign(from.output().begin(), from.output().end());
  node.name = from.name();
  if (node.name.empty() && !node.outputs.empty()) {
    node.name = node.outputs.front();
  }
  for (const ::onnx::AttributeProto &each : from.attribute()) {
    Result<Attribute> attribute = readAttribute(each, folder);
    if (!attribute.ok()) {
      return Status::error("attribute " + quotedForMessage(each.name()) +
                           " of node " + quotedForMessage(node.name) + ": " +
                           attribute.message());
    }
    node.attributes[each.name()] = std::move(*attribute);
  }
  return node;
}

static GraphTensor readTensorType(const ::onnx::ValueInfoProto &from) {
  GraphTensor tensor;
  tensor.name = from.name();
  tensor.type = from.type().tensor_type().elem_type();
  if (from.type().tensor_type().has_shape()) {
    tensor.shape.emplace();
    for (const auto &dim : from.type().tensor_type().shape().dim()) {
      tensor.shape->push_back(dim.has_dim_value() && dim.dim_value() > 0
                                  ? dim.dim_value()
                                  : batchExtent);
    }
  }
  return tensor;
}

/// The nodes in an order in which each reads what is there. Writers need not
/// sort them.
static Status sortNodes(std::vector<Node> &nodes,
                        const std::set<std::string> &known) {
  std::map<std::string, size_t> makers;
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string &output : nodes[i].outputs) {
      if (!output.empty() &&
          (known.contains(output) || !makers.emplace(output, i).second)) {
        return Status::error("the tensor " + quotedForMessage(output) +
                             " is defined twice");
      }
    }
  }
  std::vector<size_t> missing(nodes.size());
  std::vector<std::vector<size_t>> readers(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string &input : nodes[i].inputs) {
      if (input.empty() || known.contains(input)) {
        continue;
      }
      const auto maker = makers.find(input);
      if (maker == makers.end()) {
        return Status::error("node " + quotedForMessage(nodes[i].name) +
                             " reads the tensor " + quotedForMessage(input) +
                             ", which nothing defines");
      }
      ++missing[i];
      readers[maker->second].push_back(i);
    }
  }
  // As near to the order of the file as can be.
  std::set<size_t> ready;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (missing[i] == 0) {
      ready.insert(i);
    }
  }
  std::vector<Node> sorted;
  while (!ready.empty()) {
    const size_t i = *ready.begin();
    ready.erase(ready.begin());
    sorted.push_back(std::move(nodes[i]));
    for (const size_t reader : readers[i]) {
      if (--missing[reader] == 0) {
        ready.insert(reader);
      }
    }
  }
  if (sorted.size() != nodes.size()) {
    return Status::error("its nodes read each other in a circle");
  }
  nodes = std::move(sorted);
  return Status::success();
}

static Status readGraph(const ::onnx::GraphProto &graph,
                        const std::string &folder, Model &model) {
  if (graph.node_size() > maxNodes) {
    return Status::error("it has " + std::to_string(graph.node_size()) +
                         " nodes, at most " + std::to_string(maxNodes) +
                         " are supported");
  }
  std::set<std::string> known;
  for (const ::onnx::TensorProto &each : graph.initializer()) {
    Result<Constant> constant = readTensor(each, folder);
    LPGEN_RETURN_IF_ERROR(constant.status());
    if (!known.insert(each.name()).second) {
      return Status::error("the tensor " + quotedForMessage(each.name()) +
                           " is defined twice");
    }
    model.constants[each.name()] = std::move(*constant);
  }
  std::set<std::string> inputs;
  for (const ::onnx::ValueInfoProto &each : graph.input()) {
    if (!inputs.insert(each.name()).second) {
      return Status::error("the input " + quotedForMessage(each.name()) +
                           " is defined twice");
    }
    // Older files list constants among the inputs.
    if (known.insert(each.name()).second) {
      model.inputs.push_back(readTensorType(each));
    }
  }
  for (const ::onnx::ValueInfoProto &each : graph.output()) {
    model.outputs.push_back(readTensorType(each));
  }
  for (const auto &each : graph.quantization_annotation()) {
    for (const auto &entry : each.quant_parameter_tensor_names()) {
      if (entry.key() == "finn_datatype") {
        model.finnTypes[each.tensor_name()] = entry.value();
      }
    }
  }
  for (const ::onnx::NodeProto &each : graph.node()) {
    Result<Node> node = readNode(each, folder);
    LPGEN_RETURN_IF_ERROR(node.status());
    model.nodes.push_back(std::move(*node));
  }
  return sortNodes(model.nodes, known);
}

Result<Model> readModel(std::span<const std::byte> bytes,
                        const std::string &folder) {
  ::onnx::ModelProto file;
  if (bytes.size() > INT32_MAX) {
    return Status::error("it has more than 2 GiB, which no such file has");
  }
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  proto::io::CodedInputStream stream(data, int(bytes.size()));
  stream.SetRecursionLimit(maxDepth);
  if (!file.ParsePartialFromCodedStream(&stream) ||
      !stream.ConsumedEntireMessage()) {
    return Status::error("it is no ONNX file, or it is cut short");
  }
  if (!file.has_graph()) {
    return Status::error("it has no graph");
  }
  Model model;
  model.producer = file.producer_name();
  model.producer +=
      file.producer_version().empty() ? "" : " " + file.producer_version();
  for (const ::onnx::OperatorSetIdProto &each : file.opset_import()) {
    model.domains.insert(each.domain());
    if (each.domain().empty() || each.domain() == "ai.onnx") {
      model.opset = each.version();
    }
  }
  constexpr int64_t oldest = 7;
  if (model.opset < oldest) {
    return Status::error("its operators are those of version " +
                         std::to_string(model.opset) +
                         ", supported are those from 7 on; convert the model "
                         "to a newer operator set");
  }
  LPGEN_RETURN_IF_ERROR(readGraph(file.graph(), folder, model));
  return model;
}

} // namespace lpgen::importer::onnx
