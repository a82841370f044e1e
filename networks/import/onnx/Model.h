// An ONNX file as a graph of nodes, verified: names are defined once and before
// they are read, constants have the bytes that their shapes need.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_MODEL_H
#define LPGEN_NETWORKS_IMPORT_ONNX_MODEL_H

#include "base/system/Status.h"
#include "networks/import/Constant.h"
#include <cstddef>
#include <map>
#include <set>
#include <span>

namespace lpgen::importer::onnx {

/// Element types by the codes of the format.
enum class DataType {
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
  UInt4 = 21,
  Int4 = 22,
  UInt2 = 25,
  Int2 = 26,
};
struct DataTypeInfo {
  DataType type;
  const char *name;
  unsigned bits;
  bool isInteger;
  bool isSigned;
};
/// Null if the type is not one of those above.
const DataTypeInfo *findDataType(int code);

struct Attribute {
  enum class Kind { Int, Float, String, Ints, Floats, Tensor, Other };
  Kind kind = Kind::Other;
  int64_t integer = 0;
  float real = 0;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<float> reals;
  Constant tensor;
};

struct Node {
  std::string name; ///< Of the node, or of its first output.
  std::string operation;
  std::string domain;
  std::vector<std::string> inputs; ///< "" for one that is left out.
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;

  bool has(const std::string &attribute) const {
    return attributes.contains(attribute);
  }
  bool hasInput(size_t i) const {
    return i < inputs.size() && !inputs[i].empty();
  }
  int64_t integer(const std::string &attribute, int64_t otherwise) const;
  float real(const std::string &attribute, float otherwise) const;
  std::string text(const std::string &attribute,
                   const std::string &otherwise) const;
  std::vector<int64_t>
  integers(const std::string &attribute,
           const std::vector<int64_t> &otherwise = {}) const;
  /// "Quant", with the domain if that is not the standard one.
  std::string fullName() const;
};

struct GraphTensor {
  std::string name;
  int type = 0; ///< A code of DataType, or another one.
  /// batchExtent for one that has no number.
  std::optional<Extents> shape;
};

struct Model {
  std::string producer;
  int64_t opset =
      25; ///< Of the standard operators; the newest if none is given.
  std::set<std::string> domains;
  std::vector<GraphTensor> inputs; ///< Without those that are constants.
  std::vector<GraphTensor> outputs;
  std::map<std::string, Constant> constants;
  std::map<std::string, std::string> finnTypes; ///< By tensor.
  std::vector<Node> nodes; ///< In an order in which they can be computed.
};

/// Reads a file. `folder` is where it lies; data outside of the file must lie
/// there, too. The message of an error is a clause about the file.
Result<Model> readModel(std::span<const std::byte> bytes,
                        const std::string &folder);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_MODEL_H
