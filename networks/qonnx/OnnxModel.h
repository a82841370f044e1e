// An ONNX model that is written node by node.
#ifndef LPGEN_NETWORKS_QONNX_ONNXMODEL_H
#define LPGEN_NETWORKS_QONNX_ONNXMODEL_H

#include <onnx/onnx_pb.h>
#include <string>
#include <variant>
#include <vector>

namespace lpgen::networks {

class OnnxModel {
public:
  /// What an attribute can be.
  using Attribute =
      std::variant<int64_t, float, std::string, std::vector<int64_t>>;
  using Attributes = std::vector<std::pair<std::string, Attribute>>;
  using Type = ::onnx::TensorProto::DataType;

  explicit OnnxModel(int64_t opset = 13);
  /// An extent of 0 has the name N.
  OnnxModel &input(const std::string &name, const std::vector<int64_t> &shape,
                   Type type = ::onnx::TensorProto::FLOAT);
  /// Without extents its shape follows from the nodes.
  OnnxModel &output(const std::string &name,
                    Type type = ::onnx::TensorProto::FLOAT,
                    const std::vector<int64_t> &shape = {});
  OnnxModel &floats(const std::string &name, const std::vector<int64_t> &shape,
                    const std::vector<float> &values);
  OnnxModel &integers(const std::string &name, int type,
                      const std::vector<int64_t> &shape,
                      const std::vector<int64_t> &values);
  /// The node's name is `name`, or the operation with a number.
  OnnxModel &node(const std::string &operation,
                  const std::vector<std::string> &inputs,
                  const std::vector<std::string> &outputs,
                  const Attributes &attributes = {},
                  const std::string &domain = "", const std::string &name = "");
  std::string bytes() const { return model.SerializeAsString(); }

  ::onnx::ModelProto model;
};

} // namespace lpgen::networks

#endif // LPGEN_NETWORKS_QONNX_ONNXMODEL_H
