// See Bounds.h.
#include "ir/dialect/Bounds.h"
#include "base/types/SizeForm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

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
// Sizes
//===----------------------------------------------------------------------===//

Size lp::extentAt(ArrayRef<int64_t> extents, ValueRange dynamic,
                  unsigned number) {
  if (number >= extents.size()) {
    return {};
  }
  if (!ShapedType::isDynamic(extents[number])) {
    return {extents[number], {}};
  }
  size_t position =
      llvm::count(extents.take_front(number), ShapedType::kDynamic);
  return {ShapedType::kDynamic,
          position < dynamic.size() ? dynamic[position] : Value()};
}

/// A run-time dimension of a buffer of the kernel.
static Size sizeOfArgument(BlockArgument argument, unsigned dim) {
  auto kernel =
      dyn_cast_if_present<KernelOp>(argument.getOwner()->getParentOp());
  BufferAttr buffer = kernel ? kernel.bufferOf(argument) : BufferAttr();
  if (!buffer || dim >= buffer.getShape().size() ||
      buffer.getShape()[dim] >= 0) {
    return {};
  }
  const int64_t number = ~buffer.getShape()[dim];
  return number < static_cast<int64_t>(kernel.getBody().getNumArguments())
             ? Size{ShapedType::kDynamic, kernel.getBody().getArgument(number)}
             : Size();
}

Size lp::sizeOf(Value shaped, unsigned dim) {
  auto type = cast<ShapedType>(shaped.getType());
  if (!type.isDynamicDim(dim)) {
    return {type.getDimSize(dim), {}};
  }
  if (auto argument = dyn_cast<BlockArgument>(shaped)) {
    return sizeOfArgument(argument, dim);
  }
  Operation *source = shaped.getDefiningOp();
  if (auto compute = dyn_cast_or_null<ComputeOp>(source)) {
    return extentAt(compute.getExtents(), compute.getDynamicExtents(), dim);
  }
  if (auto contract = dyn_cast_or_null<ContractOp>(source)) {
    return extentAt(contract.getExtents(), contract.getDynamicExtents(), dim);
  }
  if (auto view = dyn_cast_or_null<memref::ViewOp>(source)) {
    return extentAt(type.getShape(), view.getSizes(), dim);
  }
  return {};
}

static Size loopExtent(Value index);

/// Extent `number` of a reduction. One that goes up to the index of a loop
/// around it has as many terms as that loop in the end.
static Size extentOf(ReduceOp reduce, unsigned number) {
  const Size size =
      extentAt(reduce.getExtents(), reduce.getDynamicExtents(), number);
  auto end =
      size.value ? size.value.getDefiningOp<arith::AddIOp>() : arith::AddIOp();
  return end && matchPattern(end.getRhs(), m_One()) ? loopExtent(end.getLhs())
                                                    : size;
}

/// The extent of the loop whose index `index` is; unknown if it is none.
static Size loopExtent(Value index) {
  auto argument = dyn_cast<BlockArgument>(index);
  Operation *owner = argument ? argument.getOwner()->getParentOp() : nullptr;
  if (!owner) {
    return {};
  }
  const unsigned number = argument.getArgNumber();
  if (auto compute = dyn_cast<ComputeOp>(owner)) {
    return extentAt(compute.getExtents(), compute.getDynamicExtents(), number);
  }
  if (auto reduce = dyn_cast<ReduceOp>(owner)) {
    return extentOf(reduce, number);
  }
  if (auto contract = dyn_cast<ContractOp>(owner);
      contract && number < contract.getParallel() + contract.numGroups()) {
    return extentAt(contract.getExtents(), contract.getDynamicExtents(),
                    number);
  }
  if (auto pack = dyn_cast<PackOp>(owner);
      pack && number < pack.getXShape().size()) {
    return extentAt(pack.getXShape(), {}, number);
  }
  return {};
}

/// The greatest value of a size; 0 if unknown.
static int64_t mostOf(const Size &size) {
  if (size.isConstant()) {
    return size.constant;
  }
  return size.value ? KernelOp::boundOf(size.value).value_or(0) : 0;
}

std::string lp::faultOfExtents(ArrayRef<int64_t> extents, ValueRange dynamic,
                               bool needsBounds) {
  if (dynamic.size() !=
      static_cast<size_t>(llvm::count(extents, ShapedType::kDynamic))) {
    return "has " + std::to_string(dynamic.size()) +
           " dynamic extents, expected " +
           std::to_string(llvm::count(extents, ShapedType::kDynamic));
  }
  Int128 points = 1;
  for (unsigned i = 0; i < extents.size(); ++i) {
    Size size = extentAt(extents, dynamic, i);
    if (!size.isConstant()) {
      auto bound = KernelOp::boundOf(size.value);
      if (!bound && !needsBounds) {
        continue;
      }
      if (!bound) {
        return "extent " + std::to_string(i) +
               " is no run-time size of the kernel";
      }
      size.constant = *bound;
    }
    if (size.constant < 1 || size.constant > maxExtent) {
      return "extents go from 1 to 2^40, found " +
             std::to_string(size.constant);
    }
    points *= size.constant;
    if (points > maxPoints) {
      return "has more than 2^62 points";
    }
  }
  return "";
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

/// Elements, and integers of the widths that scalars and storage have.
static bool isScalarType(mlir::Type type) {
  return type.isIndex() || type.isInteger(1) || type.isInteger(8) ||
         type.isInteger(16) || isElementType(type);
}

Operation *lp::findNonScalar(Region &region) {
  Operation *found = nullptr;
  region.walk<WalkOrder::PreOrder>([&](Operation *op) {
    const bool isElementOp = isa<ReadOp, QuantizeOp, RequantizeOp, ThresholdOp,
                                 RandomOp, FunctionOp, ReduceOp, YieldOp>(op);
    const bool isArithmetic =
        isa_and_present<arith::ArithDialect, math::MathDialect>(
            op->getDialect()) &&
        op->getNumRegions() == 0;
    const bool isScalar =
        llvm::all_of(op->getResultTypes(), isScalarType) &&
        (isElementOp || llvm::all_of(op->getOperandTypes(), isScalarType));
    if ((isElementOp || isArithmetic) && isScalar) {
      return WalkResult::advance();
    }
    found = op;
    return WalkResult::interrupt();
  });
  return found;
}

bool lp::isElementType(mlir::Type type) {
  if (!isa<IntType, IntegerType, FloatType>(type)) {
    return false;
  }
  const ElementType element = toElementType(type);
  return llvm::any_of(elementTypes,
                      [&](const TypeFamily &family) {
                        return family.encoding == element.encoding &&
                               family.holds(element.bits);
                      }) &&
         getElementType(type.getContext(), element) == type;
}

bool lp::holdsElement(mlir::Type shaped, mlir::Type element) {
  mlir::Type has = cast<ShapedType>(shaped).getElementType();
  return isElementType(element) &&
         has == (isa<MemRefType>(shaped) ? getStorageType(element) : element);
}
