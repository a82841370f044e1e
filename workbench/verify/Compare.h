// Comparison of what a kernel wrote with what the interpreter computes.
#ifndef LPGEN_WORKBENCH_VERIFY_COMPARE_H
#define LPGEN_WORKBENCH_VERIFY_COMPARE_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "operators/frontend/Ast.h"
#include "operators/reference/Interpreter.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

/// Elements of a tensor as the interpreter computes them.
struct ExpectedElements {
  std::string subject; ///< "output 'y'", for messages.
  /// Row-major, in ascending order; nothing if they are all.
  std::optional<std::vector<int64_t>> positions;
  HostTensor values; ///< At `positions`, in their order, or all of them.

  /// Appends to `differences` one line for each of the first `maxLines`
  /// elements that differ in `found`, bit for bit; NaN equals NaN whatever its
  /// payload. Returns the number of differences.
  int64_t compare(const HostTensor &found, size_t maxLines,
                  std::vector<std::string> &differences) const;
};

/// Evaluates elements of a tensor of the bound `op` on demand.
Result<ExpectedElements> expectElements(const ast::Op &op, unsigned tensor,
                                        Interpreter &reference,
                                        std::vector<int64_t> positions);

/// What the interpreter says about the outputs of an op on given inputs:
/// everywhere, or, where that would take too long, at chosen positions.
class Expectation {
public:
  /// The interpreter's steps up to which every element is computed, and the
  /// least and greatest number of elements that are sampled beyond.
  struct Limits {
    int64_t maxSteps = 20'000'000;
    int64_t minSamples = 64;
    int64_t maxSamples = 4096;
  };

  /// Runs the interpreter on `inputs` (as makeInputs gives them; the rest of
  /// the vector is filled or left). `seed` chooses the samples.
  static Result<Expectation> compute(const ast::Op &op,
                                     llvm::ArrayRef<int64_t> sizes,
                                     std::vector<HostTensor> inputs,
                                     uint64_t seed, const Limits &limits);

  /// Compares output number `output`, 0 for the first one, see
  /// ExpectedElements.
  int64_t compare(size_t output, const HostTensor &found, size_t maxLines,
                  std::vector<std::string> &differences) const {
    return outputs[output].compare(found, maxLines, differences);
  }

  /// Elements compared, all outputs together.
  int64_t numElements() const;
  bool isSampled() const { return sampled; }

private:
  std::vector<ExpectedElements> outputs;
  bool sampled = false;
};

/// The positions of a tensor to look at when not all can be: every corner,
/// points of every border, points anywhere; about `count` of them, in ascending
/// order.
std::vector<int64_t> samplePositions(llvm::ArrayRef<int64_t> shape,
                                     int64_t count, uint64_t seed);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_VERIFY_COMPARE_H
