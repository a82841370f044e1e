// A TFLite file as its tensors and operators; the weights stay in the file.
//
// What is read here is checked: indices name something, extents are positive,
// and a constant has as many bytes as its shape and type need.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEMODEL_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEMODEL_H

#include "base/system/Status.h"
#include "networks/import/tflite/FlatBuffer.h"
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lpgen::importer::tflite {

/// The format's codes of element types.
enum class TensorType : int8_t {
  Float32 = 0,
  Float16 = 1,
  Int32 = 2,
  UInt8 = 3,
  Int64 = 4,
  Bool = 6,
  Int16 = 7,
  Int8 = 9,
  Int4 = 17,
};
/// "INT8"; "type 12" for one that the importer does not know.
std::string typeName(TensorType type);
/// Bits of one element in a file; 0 for a type that the importer does not know.
unsigned storedBits(TensorType type);

/// The format's codes of the operators that this importer knows.
enum class Builtin : int32_t {
  Add = 0,
  AveragePool2D = 1,
  Concatenation = 2,
  Conv2D = 3,
  DepthwiseConv2D = 4,
  Dequantize = 6,
  FullyConnected = 9,
  Logistic = 14,
  MaxPool2D = 17,
  Mul = 18,
  Relu = 19,
  ReluN1To1 = 20,
  Relu6 = 21,
  Reshape = 22,
  Softmax = 25,
  Tanh = 28,
  Custom = 32,
  Pad = 34,
  Transpose = 39,
  Mean = 40,
  Sub = 41,
  Squeeze = 43,
  StridedSlice = 45,
  Split = 49,
  ArgMax = 56,
  PadV2 = 60,
  TransposeConv = 67,
  ExpandDims = 70,
  Shape = 77,
  Pack = 83,
  ResizeNearestNeighbor = 97,
  LeakyRelu = 98,
  Quantize = 114,
  HardSwish = 117,
};

struct TfliteTensor {
  std::string name;
  TensorType type = TensorType::Float32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data; ///< Empty unless it is a constant.
  std::vector<float> scales;
  std::vector<int64_t> zeroPoints;
  int64_t quantizedDimension = 0;
  bool isVariable = false;
  bool isSparse = false;
  bool isBlockwise = false; ///< Scales that this importer does not read.

  bool isConstant() const { return !data.empty(); }
  int64_t numElements() const; ///< At most 2^31.
};

struct TfliteOperator {
  int32_t code = 0;
  std::string customName;
  std::vector<int32_t> inputs; ///< -1: left out.
  std::vector<int32_t> outputs;
  std::optional<FlatTable> options;
  std::span<const std::byte> custom; ///< Options of a custom operator.

  bool is(Builtin builtin) const {
    return code == static_cast<int32_t>(builtin);
  }
};

struct TfliteModel {
  size_t fileBytes = 0;
  std::string description;
  std::string name;
  std::vector<TfliteTensor> tensors;
  std::vector<TfliteOperator> operators;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::deque<std::vector<float>>
      folded; ///< Data of tensors, beside the file's.
};

/// The operator's name in the format: "CONV_2D"; of a custom one its own.
std::string operatorName(const TfliteOperator &op);

/// Reads the first subgraph of a file. The result borrows `file`. The message
/// of an error is a clause about the file.
Result<TfliteModel> readTflite(FlatFile &file);

/// Computes nodes that only convert constants, and takes them out.
void foldConstants(TfliteModel &model);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_TFLITEMODEL_H
