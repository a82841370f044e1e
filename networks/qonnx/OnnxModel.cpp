// Models made of protobuf messages.
#include "networks/qonnx/OnnxModel.h"

namespace lpgen::networks {

using ::onnx::TensorProto;

OnnxModel::OnnxModel(int64_t opset) {
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("net");
}

static void setType(::onnx::ValueInfoProto &info, const std::string &name,
                    OnnxModel::Type type, const std::vector<int64_t> &shape) {
  info.set_name(name);
  ::onnx::TypeProto::Tensor &tensor =
      *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  ::onnx::TensorShapeProto &dims = *tensor.mutable_shape();
  for (const int64_t extent : shape) {
    if (extent == 0) {
      dims.add_dim()->set_dim_param("N");
    } else {
      dims.add_dim()->set_dim_value(extent);
    }
  }
}

OnnxModel &OnnxModel::input(const std::string &name,
                            const std::vector<int64_t> &shape, Type type) {
  setType(*model.mutable_graph()->add_input(), name, type, shape);
  return *this;
}

OnnxModel &OnnxModel::output(const std::string &name, Type type,
                             const std::vector<int64_t> &shape) {
  ::onnx::ValueInfoProto &info = *model.mutable_graph()->add_output();
  setType(info, name, type, shape);
  if (shape.empty()) {
    info.mutable_type()->mutable_tensor_type()->clear_shape();
  }
  return *this;
}

OnnxModel &OnnxModel::floats(const std::string &name,
                             const std::vector<int64_t> &shape,
                             const std::vector<float> &values) {
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.mutable_dims()->Add(shape.begin(), shape.end());
  tensor.mutable_float_data()->Add(values.begin(), values.end());
  return *this;
}

OnnxModel &OnnxModel::integers(const std::string &name, int type,
                               const std::vector<int64_t> &shape,
                               const std::vector<int64_t> &values) {
  TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  tensor.mutable_dims()->Add(shape.begin(), shape.end());
  for (const int64_t value : values) {
    if (type == TensorProto::INT64) {
      tensor.add_int64_data(value);
    } else {
      tensor.add_int32_data(int32_t(value));
    }
  }
  return *this;
}

OnnxModel &OnnxModel::node(const std::string &operation,
                           const std::vector<std::string> &inputs,
                           const std::vector<std::string> &outputs,
                           const Attributes &attributes,
                           const std::string &domain, const std::string &name) {
  ::onnx::NodeProto &node = *model.mutable_graph()->add_node();
  node.set_op_type(operation);
  node.set_name(name.empty() ? operation + "_" +
                                   std::to_string(model.graph().node_size() - 1)
                             : name);
  node.set_domain(domain);
  node.mutable_input()->Add(inputs.begin(), inputs.end());
  node.mutable_output()->Add(outputs.begin(), outputs.end());
  for (const auto &[key, value] : attributes) {
    ::onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(key);
    if (const auto *integer = std::get_if<int64_t>(&value)) {
      attribute.set_i(*integer);
      attribute.set_type(::onnx::AttributeProto::INT);
    } else if (const auto *real = std::get_if<float>(&value)) {
      attribute.set_f(*real);
      attribute.set_type(::onnx::AttributeProto::FLOAT);
    } else if (const auto *text = std::get_if<std::string>(&value)) {
      attribute.set_s(*text);
      attribute.set_type(::onnx::AttributeProto::STRING);
    } else {
      const auto &list = std::get<std::vector<int64_t>>(value);
      attribute.mutable_ints()->Add(list.begin(), list.end());
      attribute.set_type(::onnx::AttributeProto::INTS);
    }
  }
  return *this;
}

} // namespace lpgen::networks
