// What a quantizer does to a value, for the operators that have one inside.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZERS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZERS_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

enum class Rounding {
  HalfEven,
  Up,
  Down,
  ToZero,
  FromZero,
  HalfFromZero,
  HalfToZero
};
/// "ROUND", "half_up": as QONNX names it.
std::optional<Rounding> findRounding(std::string name);
double roundNumber(double t, Rounding rounding);

/// code = round(clamp(x / scale + zero)), or, with isRoundedFirst,
/// clamp(round(x / scale) + zero).
struct Grid {
  Constant scale;
  Constant zero;
  unsigned bits = 8; ///< As declared.
  int64_t lowest = 0;
  int64_t highest = 255;
  Rounding rounding = Rounding::HalfEven;
  bool isRoundedFirst = false;
};

/// The codes of a value, without a quantization, as a tensor called `name` or,
/// if it is not stored, as an expression. Nothing if the scales do not go with
/// the value.
std::optional<Value> quantize(Lowering &lowering, const Value &input,
                              const Grid &grid, const std::string &name,
                              bool isStored);

/// What a quantizer reads, in the order in which its codes are to be stored:
/// with channels last if only a convolution reads them.
Value inReadingOrder(const Lowering &lowering, const Node &quantizer);

/// The integers of so many bits, as QONNX counts them.
void setRange(Grid &grid, bool isSigned, bool isNarrow);
/// Refuses a scale that is no finite number, and 0 where elements are divided
/// by it; the numbers of input `attribute`.
Outcome refuseScale(const Constant &scale, const std::string &attribute,
                    bool mayBeZero);
/// What the codes of a grid stand for, of a value of that rank.
Quantization quantizationOf(const Grid &grid, size_t rank);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_QUANTIZERS_H
