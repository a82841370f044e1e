// Operations of binary32 with known numbers on an exact sum: scales, biases and
// normalizations, one after the other, in front of a quantizer.
//
// Each of them keeps or turns the order of numbers, rounding included. So what
// the quantizer makes of the sums is a stair, and where its steps are says all
// about it: one gain and one offset whose stair has the same steps give the
// same code for every sum.
#ifndef LPGEN_NETWORKS_IMPORT_CHAIN_H
#define LPGEN_NETWORKS_IMPORT_CHAIN_H

#include "networks/import/Constant.h"

namespace lpgen::importer {

enum class ChainOperation {
  Add,
  Subtract,
  SubtractFrom, ///< number - x
  Multiply,
  Divide
};

/// The operation, on numbers or on expressions.
template <typename Element>
Element joined(ChainOperation operation, const Element &x,
               const Element &number) {
  switch (operation) {
  case ChainOperation::Add:
    return x + number;
  case ChainOperation::Subtract:
    return x - number;
  case ChainOperation::SubtractFrom:
    return number - x;
  case ChainOperation::Multiply:
    return x * number;
  case ChainOperation::Divide:
    return x / number;
  }
  return x;
}

struct ChainStep {
  ChainOperation operation;
  Constant number; ///< Broadcast to the elements.
};

/// Sums from `lowest` to `highest`, and what is done with them in binary32.
struct Chain {
  int64_t lowest = 0;
  int64_t highest = 0;
  std::vector<ChainStep> steps;
};

/// round(sum * gain + offset) + zero, both operations in binary32, ties to
/// even.
struct GainAndOffset {
  Constant gain;
  Constant offset;
};

/// Codes of clamp(round(t) + zero, lowest, highest), where t is the element.
struct CodeRange {
  Constant zero;
  int64_t lowest = 0;
  int64_t highest = 255;
};

/// Gains and offsets of elements with that many dimensions, which give the
/// codes of the chain for each of its sums, zero and all but the clamp
/// included. Nothing if there are none, if the numbers differ along more than
/// one dimension, or if the chain is no longer than they are.
std::optional<GainAndOffset> gainAndOffset(const Chain &chain,
                                           const CodeRange &codes, size_t rank);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_CHAIN_H
