// Small ONNX models, node by node.
#ifndef LPGEN_TESTS_UNIT_ONNXNET_H
#define LPGEN_TESTS_UNIT_ONNXNET_H

#include <onnx/onnx_pb.h>
#include <string>
#include <variant>
#include <vector>

namespace lpgen::importer::testing {

/// What an attribute can be.
using Attribute =
    std::variant<int64_t, float, std::string, std::vector<int64_t>>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;
using Type = ::onnx::TensorProto::DataType;

/// A model that grows node by node.
class Net {
public:
  explicit Net(int64_t opset = 13);
  /// An extent of 0 has the name N.
  Net &input(const std::string &name, const std::vector<int64_t> &shape,
             Type type = ::onnx::TensorProto::FLOAT);
  Net &output(const std::string &name, Type type = ::onnx::TensorProto::FLOAT);
  Net &floats(const std::string &name, const std::vector<int64_t> &shape,
              const std::vector<float> &values);
  Net &integers(const std::string &name, int type,
                const std::vector<int64_t> &shape,
                const std::vector<int64_t> &values);
  Net &node(const std::string &operation,
            const std::vector<std::string> &inputs,
            const std::vector<std::string> &outputs,
            const Attributes &attributes = {}, const std::string &domain = "");
  std::string bytes() const { return model.SerializeAsString(); }

  ::onnx::ModelProto model;
};

} // namespace lpgen::importer::testing

#endif // LPGEN_TESTS_UNIT_ONNXNET_H
