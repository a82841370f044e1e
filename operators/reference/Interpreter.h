// The interpreter: what an operator means.
//
// Walks the checked syntax tree naively over host tensors, one element after
// the other; of a sum, all terms along its last index at once. It shares only
// the scalar primitives with the runtime and nothing with code generation;
// every kernel is compared with it, bit for bit. It also re-checks what Sema
// has proved: a value outside its proved range is an error, not a wrong answer.
#ifndef LPGEN_OPERATORS_REFERENCE_INTERPRETER_H
#define LPGEN_OPERATORS_REFERENCE_INTERPRETER_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace lpgen {

/// One element of a tensor; the member that its type selects is meaningful.
struct ElementValue {
  int64_t intValue = 0;
  float floatValue = 0;
};

/// Executes one op for one choice of its run-time sizes. `op` must outlive it.
///
/// Meaning beyond the syntax tree's own comments:
/// - an integer sum is exact; an f32 sum starts at +0 and adds its terms in the
///   order of the indices as written, the last one fastest; a term that is a
///   product is fused into the addition;
/// - f32 min and max are IEEE 754-2019 minimum and maximum (NaN wins, -0 < +0),
/// and
///   so are the reductions, which start with their first term;
/// - a store saturates to the target's type (scalar::saturate);
/// - random(seed) at an element uses the element's row-major position in the
///   assigned tensor of run-time shape;
/// - argmax and argmin take the first NaN, else the first of equal terms.
class Interpreter {
public:
  /// `symbolValues` holds one run-time size for each of `op.symbols`.
  Interpreter(const ast::Op &op, llvm::ArrayRef<int64_t> symbolValues);

  /// Computes every output and intermediate. `tensors` is indexed by tensor id
  /// and holds the inputs; the rest is allocated and filled here.
  Status run(std::vector<HostTensor> &tensors);

  /// Prepares for `evaluateAt`: checks and borrows the inputs, which come first
  /// in `tensors` (other entries are ignored) and must stay alive and
  /// unchanged.
  Status bindInputs(const std::vector<HostTensor> &tensors);

  /// One element of any tensor of the bound op, computed on demand; elements of
  /// intermediates and outputs on the way there are computed once and
  /// remembered.
  Result<ElementValue> evaluateAt(unsigned tensor,
                                  llvm::ArrayRef<int64_t> indices);

  /// The shape of a tensor for these run-time sizes.
  const std::vector<int64_t> &shapeOf(unsigned tensor) const {
    return shapes[tensor];
  }

private:
  /// The point at which a statement is evaluated.
  struct Frame {
    const ast::Statement &statement;
    llvm::SmallVector<int64_t, 8> indices; ///< Values of statement.indices.
    int64_t position; ///< Row-major position of the assigned element.
  };

  /// A read whose position moves evenly along a row: the terms of a sum for all
  /// values of its last index.
  struct RowOfRead {
    const HostTensor *source;
    int64_t position; ///< At the first value.
    int64_t stride;
    int64_t begin; ///< Values at which it is inside: from here
    int64_t end;   ///< until before here.
  };

  int64_t sizeOf(const ast::Extent &extent) const;
  Status checkSymbols() const;
  Status checkEmptyReductions(const ast::Statement &statement,
                              const ast::Expr &expr) const;
  Status checkInput(unsigned id, const HostTensor &tensor) const;

  ElementValue evaluateElement(unsigned tensor, int64_t position);
  ElementValue readElement(unsigned tensor, int64_t position);
  ElementValue read(const ast::Expr &expr, Frame &frame);
  ElementValue outsideValue(const ast::Expr &read, Frame &frame);
  std::optional<int64_t> evaluateSubscript(const ast::Subscript &subscript,
                                           Frame &frame);
  bool locate(const ast::Expr &read, Frame &frame, int64_t &position);

  int64_t evaluateInt(const ast::Expr &expr, Frame &frame);
  int64_t evaluateIntUnchecked(const ast::Expr &expr, Frame &frame);
  int64_t evaluateIndexOf(const ast::Expr &expr, Frame &frame);
  int64_t evaluateIntUnary(const ast::Expr &expr, Frame &frame);
  int64_t evaluateIntBinary(const ast::Expr &expr, Frame &frame);
  int64_t evaluateComparison(const ast::Expr &expr, Frame &frame);
  int64_t evaluateDivision(const ast::Expr &expr, int64_t a, int64_t b,
                           const Frame &frame);
  int64_t evaluateRescale(const ast::Expr &expr, Frame &frame);
  const ast::Expr &selected(const ast::Expr &expr, Frame &frame);
  float evaluateFloat(const ast::Expr &expr, Frame &frame);
  float evaluateFloatUnary(const ast::Expr &expr, Frame &frame);
  float evaluateFloatBinary(const ast::Expr &expr, Frame &frame);
  int64_t inRange(int64_t value, const ast::Expr &expr, const Frame &frame);
  int64_t numValues(unsigned index, const Frame &frame) const;
  bool begin(llvm::ArrayRef<unsigned> indices, Frame &frame) const;
  bool advance(llvm::ArrayRef<unsigned> indices, Frame &frame) const;
  /// Visits the values of the indices that a reduction binds until all are seen
  /// or an error occurred.
  template <typename Step>
  void forEachTerm(const ast::Expr &reduce, Frame &frame, Step step) {
    for (bool more = begin(reduce.indices, frame); more && error.empty();
         more = advance(reduce.indices, frame)) {
      step();
    }
  }

  // Sums, by rows (EvaluateRows.cpp).
  template <typename Step>
  void forEachRow(const ast::Expr &reduce, Frame &frame, Step step);
  int64_t evaluateSum(const ast::Expr &reduce, Frame &frame);
  float evaluateFusedSum(const ast::Expr &reduce, Frame &frame);
  std::optional<RowOfRead> rowOfRead(const ast::Expr &read, const Frame &frame,
                                     unsigned index, int64_t size) const;
  void checkRow(llvm::ArrayRef<int64_t> row, const ast::Expr &expr,
                const Frame &frame);
  void evaluateRow(const ast::Expr &expr, Frame &frame, unsigned index,
                   llvm::MutableArrayRef<int64_t> row);
  void evaluateRow(const ast::Expr &expr, Frame &frame, unsigned index,
                   llvm::MutableArrayRef<float> row);

  /// Records the first error; evaluation goes on with zeros and its caller
  /// reports.
  int64_t fail(const Frame &frame, const std::string &what);

  const ast::Op &op;
  /// One for each symbol, then those of computed sizes.
  llvm::SmallVector<int64_t, 4> symbolValues;
  std::string fault; ///< Why these sizes cannot be; empty if they can.
  std::vector<std::vector<int64_t>> shapes;        ///< By tensor id.
  std::vector<const ast::Statement *> definitions; ///< By tensor id.
  std::vector<const HostTensor *> materialized;    ///< By tensor id, or null.
  std::vector<std::unordered_map<int64_t, ElementValue>> remembered;
  std::string error; ///< Empty while all is well.
};

/// Multiply-accumulates of one execution: how often the bodies of the innermost
/// reductions are evaluated, outside reads included. 0 for a purely elementwise
/// op. Saturates at INT64_MAX.
int64_t multiplyAccumulates(const ast::Op &op,
                            llvm::ArrayRef<int64_t> symbolValues);

/// The interpreter's own effort: as multiplyAccumulates, but an element that is
/// assigned without a reduction counts as one.
int64_t interpreterSteps(const ast::Op &op,
                         llvm::ArrayRef<int64_t> symbolValues);

} // namespace lpgen

#endif // LPGEN_OPERATORS_REFERENCE_INTERPRETER_H
