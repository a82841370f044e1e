// Which function imports which operator.
#include "networks/import/tflite/Importer.h"

namespace lpgen::importer::tflite {

ImportNode importerOf(const TfliteOperator &op) {
  switch (static_cast<Builtin>(op.code)) {
  case Builtin::Conv2D:
    return importConv2D;
  case Builtin::DepthwiseConv2D:
    return importDepthwiseConv2D;
  case Builtin::FullyConnected:
    return importFullyConnected;
  case Builtin::TransposeConv:
    return importTransposeConv;
  case Builtin::Add:
    return importAdd;
  case Builtin::Sub:
    return importSub;
  case Builtin::Mul:
    return importMul;
  case Builtin::AveragePool2D:
    return importAveragePool;
  case Builtin::MaxPool2D:
    return importMaxPool;
  case Builtin::Mean:
    return importMean;
  case Builtin::Reshape:
  case Builtin::Squeeze:
  case Builtin::ExpandDims:
    return importReshape;
  case Builtin::Softmax:
    return importSoftmax;
  case Builtin::Logistic:
    return importLogistic;
  case Builtin::Tanh:
    return importTanh;
  case Builtin::Relu:
  case Builtin::Relu6:
  case Builtin::ReluN1To1:
    return importRelu;
  case Builtin::LeakyRelu:
    return importLeakyRelu;
  case Builtin::HardSwish:
    return importHardSwish;
  case Builtin::Dequantize:
    return importDequantize;
  case Builtin::Quantize:
    return importQuantize;
  case Builtin::Transpose:
    return importTranspose;
  case Builtin::Pad:
  case Builtin::PadV2:
    return importPad;
  case Builtin::Concatenation:
    return importConcatenation;
  case Builtin::Split:
    return importSplit;
  case Builtin::StridedSlice:
    return importStridedSlice;
  case Builtin::ResizeNearestNeighbor:
    return importResizeNearest;
  case Builtin::ArgMax:
    return importArgMax;
  case Builtin::Shape:
    return importShape;
  case Builtin::Pack:
    return importPack;
  case Builtin::Custom:
    return lceImporterOf(op.customName);
  default:
    return nullptr;
  }
}

} // namespace lpgen::importer::tflite
