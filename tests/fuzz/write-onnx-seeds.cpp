// Writes models of many operators into a folder, for onnx-fuzz.
#include "networks/qonnx/OnnxModel.h"
#include <fstream>

using Net = lpgen::networks::OnnxModel;
using ::onnx::TensorProto;
using Ints = std::vector<int64_t>;

static void write(const std::string &path, const Net &net) {
  std::ofstream(path, std::ios::binary) << net.bytes();
}

static Net qonnx() {
  Net net(9);
  net.input("x", {0, 2, 4, 4}).output("y");
  net.floats("w", {2, 1, 3, 3}, std::vector<float>(18, 1))
      .floats("s", {}, {0.5});
  net.floats("z", {}, {0}).floats("b", {}, {2}).floats("t", {2, 1}, {0, 1});
  net.node("Quant", {"x", "s", "z", "b"}, {"q"}, {{"narrow", int64_t{1}}});
  net.node("BipolarQuant", {"w", "s"}, {"wq"});
  net.node("Conv", {"q", "wq"}, {"c"},
           {{"group", int64_t{2}}, {"pads", Ints{1, 1, 1, 1}}});
  net.node("Relu", {"c"}, {"r"});
  net.node("MaxPool", {"r"}, {"p"}, {{"kernel_shape", Ints{2, 2}}});
  net.node("MultiThreshold", {"p", "t"}, {"m"});
  net.node("Flatten", {"m"}, {"y"});
  return net;
}

static Net linear() {
  Net net(13);
  net.input("x", {1, 4}, TensorProto::UINT8).output("y", TensorProto::UINT8);
  net.floats("s", {}, {0.5}).integers("z", TensorProto::UINT8, {}, {3});
  net.integers("w", TensorProto::INT8, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  net.integers("wz", TensorProto::INT8, {}, {0});
  net.node("QLinearMatMul", {"x", "s", "z", "w", "s", "wz", "s", "z"}, {"p"});
  net.node("QLinearAdd", {"p", "s", "z", "p", "s", "z", "s", "z"}, {"y"});
  return net;
}

static Net moved() {
  Net net(13);
  net.input("x", {1, 4, 2, 2}).output("y");
  net.integers("five", TensorProto::INT64, {5}, {1, 2, 2, 2, 2});
  net.integers("four", TensorProto::INT64, {4}, {1, -1, 2, 2});
  net.node("Shape", {"x"}, {"shape"});
  net.node("Reshape", {"x", "five"}, {"a"});
  net.node("Transpose", {"a"}, {"b"}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  net.node("Reshape", {"b", "four"}, {"c"});
  net.node("Split", {"c"}, {"d", "e"}, {{"axis", int64_t{1}}});
  net.node("Concat", {"e", "x", "d"}, {"f"}, {{"axis", int64_t{1}}});
  net.node("DepthToSpace", {"f"}, {"g"}, {{"blocksize", int64_t{2}}});
  net.node("GlobalAveragePool", {"g"}, {"h"});
  net.node("ArgMax", {"h"}, {"y"}, {{"axis", int64_t{1}}});
  return net;
}

static Net tails() {
  Net net(20);
  net.input("x", {1, 2, 4}).output("y", TensorProto::INT64);
  net.floats("w", {2, 3, 2}, std::vector<float>(12, 0.5F));
  net.floats("two", {}, {2}).integers("k", TensorProto::INT64, {1}, {2});
  net.integers("b", TensorProto::UINT8, {4, 2, 1},
               std::vector<int64_t>(8, 0x93));
  net.floats("s", {4, 2}, std::vector<float>(8, 0.25F));
  net.node("ConvTranspose", {"x", "w"}, {"c"},
           {{"strides", Ints{2}}, {"output_padding", Ints{1}}});
  net.node("Gelu", {"c"}, {"g"}, {{"approximate", std::string("tanh")}});
  net.node("Pow", {"g", "two"}, {"p"});
  net.node("Sigmoid", {"p"}, {"d"});
  net.node("ReduceMax", {"d"}, {"m"}, {{"axes", Ints{1}}});
  net.node("ReduceSum", {"m"}, {"r"}, {{"keepdims", int64_t{0}}});
  net.node("MatMulNBits", {"x", "b", "s"}, {"n"},
           {{"K", int64_t{4}},
            {"N", int64_t{4}},
            {"bits", int64_t{4}},
            {"block_size", int64_t{2}}},
           "com.microsoft");
  net.node("Mul", {"n", "r"}, {"q"});
  net.node("Softmax", {"q"}, {"e"});
  net.node("TopK", {"e", "k"}, {"v", "y"});
  return net;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  const std::string folder = argv[1];
  write(folder + "/qonnx.onnx", qonnx());
  write(folder + "/linear.onnx", linear());
  write(folder + "/moved.onnx", moved());
  write(folder + "/tails.onnx", tails());
  return 0;
}
