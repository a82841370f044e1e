// The state of an import: which tensors of the file the program has, and what
// they mean. Each family of operators has a file of functions on it.
#ifndef LPGEN_NETWORKS_IMPORT_TFLITE_IMPORTER_H
#define LPGEN_NETWORKS_IMPORT_TFLITE_IMPORTER_H

#include "networks/import/Program.h"
#include "networks/import/tflite/Quantization.h"
#include "networks/import/tflite/TfliteModel.h"
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lpgen::importer::tflite {

/// Why a node is not imported.
struct Refusal {
  std::string attribute; ///< Or input; "" if it is the operator itself.
  std::string reason;
  std::string remedy;
  /// The first dimension takes part in the computation: the number of images
  /// must be that of the file.
  bool needsFixedBatch = false;
};
using Outcome = std::optional<Refusal>;
constexpr std::nullopt_t imported = std::nullopt;

/// A tensor that the program has.
struct ImportedTensor {
  std::string name;
  ElementType type; ///< s8 for UINT8: its values are 128 less.
  std::vector<int64_t> shape;
  Affine affine; ///< In steps of `type`.

  bool isFloat() const { return type.isFloat(); }
  int64_t channels() const { return shape.back(); }
};

/// Values of UINT8 are kept so much less, as s8.
constexpr int64_t unsignedOffset = 128;

/// Whether the first dimension is a size of the run.
enum class Batch { Any, AsInFile };

class Importer {
public:
  Importer(const TfliteModel &model, Program &program, Batch batch,
           int64_t mostImages);

  const TfliteTensor &tensor(int32_t index) const {
    return model.tensors[static_cast<size_t>(index)];
  }
  /// Input `i` of a node; null if it is left out.
  const TfliteTensor *input(const TfliteOperator &op, size_t i) const;
  /// The same, if it is a constant.
  const TfliteTensor *constantInput(const TfliteOperator &op, size_t i) const;
  /// Input `i`, which is not constant, as a tensor of the program. Nodes whose
  /// inputs are not there are not imported.
  const ImportedTensor &operand(const TfliteOperator &op, size_t i) const;
  bool hasOperand(const TfliteOperator &op, size_t i) const;

  /// Integers of a constant, in row-major order, as the file has them.
  static std::vector<int64_t> integers(const TfliteTensor &tensor);
  static std::vector<float> floats(const TfliteTensor &tensor);
  /// Integers of a constant tensor of shapes or axes, or of one that follows
  /// from the shapes of others; nothing if it is not known.
  std::optional<std::vector<int64_t>> knownIntegers(const TfliteOperator &op,
                                                    size_t i) const;
  void setKnown(int32_t index, std::vector<int64_t> values) {
    known[index] = std::move(values);
  }

  /// The scale and the zero point of output `i`, in the steps of its type in
  /// the program; nothing if it has none or several.
  std::optional<Affine> outputAffine(const TfliteOperator &op,
                                     size_t i = 0) const;
  /// The element type of output `i` in the program; nothing for types that no
  /// operator makes.
  std::optional<ElementType> outputType(const TfliteOperator &op,
                                        size_t i = 0) const;

  /// Makes output `i` known: it has this shape. What is returned is its target
  /// in a call: "a: s8", or "scores" for an output of the network.
  std::string define(const TfliteOperator &op, size_t i, ElementType type,
                     std::vector<int64_t> shape);
  /// The name of an output that was defined.
  const std::string &nameOf(const TfliteOperator &op, size_t i = 0) const;
  /// The same as "a[n,h,v,c]: s8", for a statement.
  std::string defineElements(const TfliteOperator &op, size_t i,
                             ElementType type, std::vector<int64_t> shape);

  /// Output 0 is `other`, which the program has.
  void alias(const TfliteOperator &op, const ImportedTensor &other);
  /// True if all that reads a tensor is nodes of a kind.
  bool isReadOnlyBy(int32_t index, Builtin kind) const;

  /// The same with its extents: what is assigned does not say them.
  std::string defineSized(const TfliteOperator &op, size_t i, ElementType type,
                          const std::vector<int64_t> &shape);

  /// A constant of the file as a tensor of the program, with its one scale;
  /// nothing for types that no operator takes.
  std::optional<ImportedTensor> addConstant(const TfliteOperator &op,
                                            const char *what,
                                            const TfliteTensor &constant);
  /// A tensor of another shape beside `original`: "a_wide[n,c]: s8[?n, 4]".
  std::string defineCopy(const ImportedTensor &original,
                         const std::vector<int64_t> &shape);
  /// ": s8[?n, 4]"
  std::string declaration(ElementType type,
                          const std::vector<int64_t> &shape) const;

  /// What a node calls its constants: "dense_1_MatMul.weight".
  std::string constantName(const TfliteOperator &op, const char *what) const;
  /// A layer of the report; name, operator and shape are filled in.
  void addLayer(const TfliteOperator &op, Layer layer);

  Program &program() { return target; }
  Batch batch() const { return mode; }
  /// What the network calls is in tflite.lp.
  void call(const std::string &result, const std::string &operatorName,
            const std::string &parameters,
            const std::vector<std::string> &arguments);

  /// Imports all nodes; the program's report has what is not supported. True
  /// if another number of images than that of the file is why.
  bool run();

private:
  void addInputs();
  void addOutputs();
  void importNode(const TfliteOperator &op);
  bool hasInputs(const TfliteOperator &op);
  bool affordsConstants(const TfliteOperator &op);
  void refuse(const TfliteOperator &op, Refusal refusal);
  std::string shortName(const std::string &name) const;
  std::vector<builder::Extent> extentsOf(const std::vector<int64_t> &shape);
  Affine affineOf(const TfliteTensor &tensor) const;

  const TfliteModel &model;
  Program &target;
  Batch mode;
  int64_t mostImages; ///< Of one call.
  bool batchIsDeclared = false;
  bool needsFixedBatch = false;
  size_t constantBytes = 0; ///< Of the nodes so far.
  std::string commonScope;  ///< Of the names: "model/".
  std::map<int32_t, ImportedTensor> tensors;
  std::map<int32_t, std::vector<int64_t>> known;
  std::map<int32_t, std::string> outputNames;
  std::set<int32_t> unknown; ///< Results of nodes that are not imported.
};

/// The element type of the program for one of the file; nothing for types that
/// no operator makes.
std::optional<ElementType> elementTypeOf(TensorType type);
/// "h", "v", ...: names of the indices of a tensor of this rank, at most 8.
std::vector<std::string> indexNames(size_t rank);

/// Text for the parameters of a call: "S = 2, ZX = -128".
class Parameters {
public:
  /// Leaves out what is the default.
  Parameters &add(const char *name, int64_t value, int64_t usual);
  const std::string &text() const { return content; }

private:
  std::string content;
};

/// The dimension of an axis, which counts from the end if it is negative;
/// nothing outside the dimensions.
std::optional<size_t> axisOf(int64_t axis, size_t rank);

/// The axes that input `i` names, from the lowest on, those from the end made
/// ones from the beginning; nothing if they are not known.
std::optional<std::vector<int64_t>> axesOf(const Importer &importer,
                                           const TfliteOperator &op, size_t i,
                                           size_t rank);

using ImportNode = Outcome (*)(Importer &, const TfliteOperator &);
/// The function that imports nodes of a kind; null if there is none.
ImportNode importerOf(const TfliteOperator &op);
/// The same for a custom operator of Larq Compute Engine.
ImportNode lceImporterOf(const std::string &name);

// Families of operators, each in a file of its own.
Outcome importConv2D(Importer &importer, const TfliteOperator &op);
Outcome importDepthwiseConv2D(Importer &importer, const TfliteOperator &op);
Outcome importFullyConnected(Importer &importer, const TfliteOperator &op);
Outcome importTransposeConv(Importer &importer, const TfliteOperator &op);
Outcome importAdd(Importer &importer, const TfliteOperator &op);
Outcome importSub(Importer &importer, const TfliteOperator &op);
Outcome importMul(Importer &importer, const TfliteOperator &op);
Outcome importAveragePool(Importer &importer, const TfliteOperator &op);
Outcome importMaxPool(Importer &importer, const TfliteOperator &op);
Outcome importMean(Importer &importer, const TfliteOperator &op);
Outcome importReshape(Importer &importer, const TfliteOperator &op);
Outcome importSoftmax(Importer &importer, const TfliteOperator &op);
Outcome importLogistic(Importer &importer, const TfliteOperator &op);
Outcome importTanh(Importer &importer, const TfliteOperator &op);
Outcome importRelu(Importer &importer, const TfliteOperator &op);
Outcome importLeakyRelu(Importer &importer, const TfliteOperator &op);
Outcome importHardSwish(Importer &importer, const TfliteOperator &op);
Outcome importQuantize(Importer &importer, const TfliteOperator &op);
Outcome importTranspose(Importer &importer, const TfliteOperator &op);
Outcome importPad(Importer &importer, const TfliteOperator &op);
Outcome importConcatenation(Importer &importer, const TfliteOperator &op);
Outcome importSplit(Importer &importer, const TfliteOperator &op);
Outcome importStridedSlice(Importer &importer, const TfliteOperator &op);
Outcome importResizeNearest(Importer &importer, const TfliteOperator &op);
Outcome importArgMax(Importer &importer, const TfliteOperator &op);
Outcome importShape(Importer &importer, const TfliteOperator &op);
Outcome importPack(Importer &importer, const TfliteOperator &op);

/// A real number after a fused activation that only clamps.
builder::Expression activated(Activation activation,
                              const builder::Expression &value);

/// The same on FLOAT32.
bool isFloatNode(const Importer &importer, const TfliteOperator &op);
Outcome importFloatConvolution(Importer &importer, const TfliteOperator &op);
Outcome importFloatFullyConnected(Importer &importer, const TfliteOperator &op);
Outcome importFloatUnary(Importer &importer, const TfliteOperator &op);
Outcome importFloatPool(Importer &importer, const TfliteOperator &op);
Outcome importFloatMean(Importer &importer, const TfliteOperator &op);
Outcome importDequantize(Importer &importer, const TfliteOperator &op);
Outcome importQuantizeFloat(Importer &importer, const TfliteOperator &op);

} // namespace lpgen::importer::tflite

#endif // LPGEN_NETWORKS_IMPORT_TFLITE_IMPORTER_H
