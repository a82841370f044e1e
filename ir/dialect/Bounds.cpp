// See Bounds.h.
#include "ir/dialect/Bounds.h"
#include "base/types/SizeForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

//===----------------------------------------------------------------------===//
// Linear forms
//===----------------------------------------------------------------------===//

/// Adds `factor` times `expr` to `form`; false if it is not linear or
/// overflows.
static bool accumulate(AffineExpr expr, int64_t factor, LinearForm &form) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    int64_t product = 0;
    return !llvm::MulOverflow(constant.getValue(), factor, product) &&
           !llvm::AddOverflow(form.constant, product, form.constant);
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    int64_t &to = form.coefficients[dim.getPosition()];
    return !llvm::AddOverflow(to, factor, to);
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    return false;
  }
  if (expr.getKind() == AffineExprKind::Add) {
    return accumulate(binary.getLHS(), factor, form) &&
           accumulate(binary.getRHS(), factor, form);
  }
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && constant &&
         !llvm::MulOverflow(constant.getValue(), factor, factor) &&
         accumulate(binary.getLHS(), factor, form);
}

std::optional<LinearForm> lp::linearForm(AffineExpr expr, unsigned dims) {
  LinearForm form{SmallVector<int64_t>(dims), 0};
  return accumulate(expr, 1, form) ? std::optional(std::move(form))
                                   : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Ranges of scalars
//===----------------------------------------------------------------------===//

namespace {
/// Ranges of integers from constants, element types and the ops between.
class ScalarRanges {
public:
  IntegerValueRange of(Value value) {
    auto [known, isNew] =
        ranges.try_emplace(value, IntegerValueRange::getMaxRange(value));
    if (!isNew) {
      return known->second; // also in a cycle of unverified IR
    }
    IntegerValueRange range = infer(value);
    ranges[value] = range;
    return range;
  }

private:
  IntegerValueRange infer(Value value) {
    IntegerValueRange all = IntegerValueRange::getMaxRange(value);
    Operation *op = value.getDefiningOp();
    if (!op) {
      auto range = loopRange(value);
      return range ? IntegerValueRange(*range) : all;
    }
    if (auto read = dyn_cast<ReadOp>(op)) {
      return ofElement(read);
    }
    auto inference = dyn_cast<InferIntRangeInterface>(op);
    if (!inference) {
      return all;
    }
    SmallVector<IntegerValueRange> operands;
    for (Value operand : op->getOperands()) {
      if (!operand.getType().isIntOrIndex()) {
        return all;
      }
      operands.push_back(of(operand));
    }
    IntegerValueRange result = all;
    inference.inferResultRangesFromOptional(
        operands, [&](Value of, const IntegerValueRange &range) {
          if (of == value && !range.isUninitialized()) {
            result = range;
          }
        });
    return result;
  }

  /// By the type alone.
  static IntegerValueRange ofElement(ReadOp read) {
    IntegerValueRange all = IntegerValueRange::getMaxRange(read.getValue());
    auto element = dyn_cast<IntType>(read.logicalElement());
    unsigned bits = read.getType().getIntOrFloatBitWidth();
    if (!element || read.getPadScalar() ||
        element.elementType().maxValue() >= (int64_t{1} << (bits - 1))) {
      return all;
    }
    ElementType type = element.elementType();
    ConstantIntRanges range = ConstantIntRanges::fromSigned(
        APInt(bits, type.minValue(), true), APInt(bits, type.maxValue(), true));
    if (auto pad = dyn_cast_if_present<IntegerAttr>(read.getPadAttr())) {
      if (pad.getValue().getBitWidth() != bits) {
        return all;
      }
      range = range.rangeUnion(ConstantIntRanges::constant(pad.getValue()));
    }
    return IntegerValueRange(range);
  }

  static std::optional<ConstantIntRanges> loopRange(Value index) {
    const int64_t most = mostOf(loopExtent(index));
    if (!index.getType().isIndex() || most < 1) {
      return std::nullopt;
    }
    const unsigned bits = IndexType::kInternalStorageBitWidth;
    return ConstantIntRanges::fromSigned(APInt(bits, 0), APInt(bits, most - 1));
  }

  llvm::DenseMap<Value, IntegerValueRange> ranges;
};
} // namespace

IndexFacts lp::factsOf(Value index) {
  IndexFacts facts{loopExtent(index), std::nullopt};
  IntegerValueRange range = ScalarRanges().of(index);
  if (!range.isUninitialized() &&
      !(range == IntegerValueRange::getMaxRange(index))) {
    facts.range = IndexRange{range.getValue().smin().getSExtValue(),
                             range.getValue().smax().getSExtValue()};
  }
  return facts;
}

IndexFacts lp::factsOf(ArrayRef<int64_t> extents, ValueRange dynamic,
                       unsigned number) {
  IndexFacts facts{extentAt(extents, dynamic, number), std::nullopt};
  if (int64_t most = mostOf(facts.extent); most > 0) {
    facts.range = IndexRange{0, most - 1};
  }
  return facts;
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

static std::string text(Int128 value) {
  // What leaves 64 bits is outside of everything.
  return value > INT64_MAX   ? "more than 2^63"
         : value < INT64_MIN ? "less than -2^63"
                             : std::to_string(static_cast<int64_t>(value));
}

std::optional<IndexRange> lp::rangeOf(const LinearForm &form,
                                      ArrayRef<IndexFacts> indices) {
  IndexRange range{form.constant, form.constant};
  for (auto [coefficient, index] :
       llvm::zip_equal(form.coefficients, indices)) {
    if (coefficient == 0) {
      continue;
    }
    if (!index.range) {
      return std::nullopt;
    }
    Int128 atLow = coefficient * index.range->low;
    Int128 atHigh = coefficient * index.range->high;
    range.low += std::min(atLow, atHigh);
    range.high += std::max(atLow, atHigh);
  }
  return range;
}

namespace {
/// Sizes of one kernel as forms.
class KernelSizes {
public:
  explicit KernelSizes(KernelOp kernel)
      : computed(kernel.computedSizes()), given(kernel.numGivenSizes()),
        forms(computed) {}

  /// `factor` times the last index of `size` added to `to`; false if it is not
  /// known.
  bool addLast(SizeForms::Maybe &to, const Size &size, int64_t factor) {
    const auto argument = dyn_cast_if_present<BlockArgument>(size.value);
    if (!size.isConstant() && !argument) {
      return false;
    }
    SizeForm form = SizeForms::constant(size.constant);
    if (argument) {
      form = forms.of(sizeAt(argument.getArgNumber(), given));
    }
    const auto last = SizeForms::add(form, SizeForms::constant(1), -1);
    to = to && last ? SizeForms::add(*to, *last, factor) : std::nullopt;
    return to.has_value();
  }
  bool isNonNegative(const SizeForm &form) const {
    return forms.isNonNegative(form);
  }

private:
  std::vector<ComputedSize> computed;
  size_t given;
  SizeForms forms;
};
} // namespace

/// True if `form` is proved to lie in a dimension of `size`, whatever the sizes
/// of the kernel are.
static bool isProvedInside(const LinearForm &form, ArrayRef<IndexFacts> indices,
                           const Size &size) {
  auto argument = dyn_cast_if_present<BlockArgument>(size.value);
  auto kernel =
      argument
          ? dyn_cast_if_present<KernelOp>(argument.getOwner()->getParentOp())
          : KernelOp();
  if (!kernel) {
    return false;
  }
  KernelSizes sizes(kernel);
  SizeForms::Maybe least = SizeForms::constant(form.constant);
  SizeForms::Maybe left = SizeForms::add(SizeForms::constant(0), *least, -1);
  if (!sizes.addLast(left, size, 1)) {
    return false;
  }
  for (auto [coefficient, index] :
       llvm::zip_equal(form.coefficients, indices)) {
    if (coefficient != 0 &&
        !sizes.addLast(coefficient < 0 ? least : left, index.extent,
                       coefficient < 0 ? coefficient : -coefficient)) {
      return false;
    }
  }
  return sizes.isNonNegative(*least) && sizes.isNonNegative(*left);
}

/// In a dimension of run-time size the index of a loop over all of it is
/// inside, and what is proved by the sizes. A lone index has the extent of the
/// dimension, on which packed layouts rely.
static bool isInsideDynamic(AffineExpr expr, const LinearForm &form,
                            ArrayRef<IndexFacts> indices, const Size &size,
                            bool isLenient) {
  auto bare = dyn_cast<AffineDimExpr>(expr);
  if (bare) {
    const Size &extent = indices[bare.getPosition()].extent;
    if (extent.value && size.value) {
      return extent.value == size.value;
    }
    if (isLenient && !extent.isConstant()) {
      return true;
    }
  }
  const bool isKnown =
      size.value &&
      llvm::all_of(llvm::zip(form.coefficients, indices), [](auto pair) {
        auto &[coefficient, index] = pair;
        return coefficient == 0 || index.extent.isConstant() ||
               index.extent.value;
      });
  return isKnown ? isProvedInside(form, indices, size) : isLenient;
}

std::string lp::whereOutside(AffineMap map, ArrayRef<IndexFacts> indices,
                             ArrayRef<Size> sizes, bool isLenient) {
  for (auto [dim, expr, size] : llvm::enumerate(map.getResults(), sizes)) {
    const std::string place = "dimension " + std::to_string(dim);
    auto form = linearForm(expr, map.getNumDims());
    if (!form) {
      return "the subscript of " + place +
             " is no sum of multiples of indices and a constant";
    }
    if (!size.isConstant()) {
      if (!isInsideDynamic(expr, *form, indices, size, isLenient)) {
        return place + " has a run-time size, and its subscript is neither a "
                       "loop over all of it nor proved to be inside";
      }
      continue;
    }
    std::optional<IndexRange> range = rangeOf(*form, indices);
    if (!range && !isLenient) {
      return "the subscript of " + place + " has no known bounds";
    }
    if (range && (range->low < 0 || range->high >= size.constant)) {
      return "the subscript of " + place + " goes from " + text(range->low) +
             " to " + text(range->high) + ", but its size is " +
             std::to_string(size.constant);
    }
  }
  return "";
}
