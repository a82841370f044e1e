// The run-time sizes of lp.kernel: those that its caller gives, and those that
// follow from them. Labels are those of LpBase.td and LpOps.td.
#include "ir/dialect/Lp.h"
#include "ir/dialect/Verify.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

LogicalResult
ComputedSizeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<int64_t> sizes,
                         ArrayRef<int64_t> coefficients, int64_t constant,
                         int64_t divisor, bool /*isFloor*/) {
  constexpr int64_t most = int64_t{1} << 60;
  const auto fits = [](int64_t number) {
    return number >= -most && number <= most;
  };
  if (sizes.size() != coefficients.size() || !fits(constant) || divisor < 1 ||
      !fits(divisor) || !llvm::all_of(coefficients, fits)) { // computed_size_c1
    return emitError() << "a computed size needs a coefficient for each size, "
                          "numbers within 2^60 and a divisor of 1 or more";
  }
  return success();
}

LogicalResult SizeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef name, int64_t bound,
                               ComputedSizeAttr /*computed*/) {
  if (bound < 1 || bound > maxExtent) { // size_c1
    return emitError() << "size '" << name
                       << "' needs a bound of 1 to 2^40, found " << bound;
  }
  return success();
}

SmallVector<SizeAttr> KernelOp::sizeList() {
  return llvm::to_vector(getSizesAttr().getAsRange<SizeAttr>());
}

unsigned KernelOp::numGivenSizes() {
  return llvm::count_if(sizeList(),
                        [](SizeAttr size) { return !size.getComputed(); });
}

std::vector<ComputedSize> KernelOp::computedSizes() {
  std::vector<ComputedSize> list;
  const size_t given = numGivenSizes();
  for (SizeAttr size : sizeList()) {
    ComputedSizeAttr computed = size.getComputed();
    if (!computed) {
      continue;
    }
    ComputedSize &added = list.emplace_back();
    for (auto [number, coefficient] :
         llvm::zip(computed.getSizes(), computed.getCoefficients())) {
      added.terms.push_back(
          {sizeAt(static_cast<size_t>(number), given), coefficient});
    }
    llvm::sort(added.terms, [](const SizeTerm &a, const SizeTerm &b) {
      return a.size < b.size;
    });
    added.constant = computed.getConstant();
    added.divisor = computed.getDivisor();
    added.isFloor = computed.getIsFloor();
  }
  return list;
}

std::optional<int64_t> KernelOp::boundOf(mlir::Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto kernel =
      argument
          ? dyn_cast_if_present<KernelOp>(argument.getOwner()->getParentOp())
          : KernelOp();
  if (!kernel || argument.getArgNumber() >= kernel.getSizes().size()) {
    return std::nullopt;
  }
  return cast<SizeAttr>(kernel.getSizes()[argument.getArgNumber()]).getBound();
}

LogicalResult lp::verifyComputedSizes(KernelOp kernel) {
  const int64_t given = kernel.numGivenSizes();
  const SmallVector<SizeAttr> sizes = kernel.sizeList();
  for (auto [position, size] : llvm::enumerate(sizes)) {
    ComputedSizeAttr computed = size.getComputed();
    const auto number = static_cast<int64_t>(position);
    if (bool(computed) != (number >= given)) {
      return kernel.emitOpError("has size ")
             << number << " computed before one that is given";
    }
    if (!computed) {
      continue;
    }
    Int128 most = computed.getConstant();
    Int128 magnitude = most < 0 ? -most : most; // of all that is added up
    int64_t last = -1;
    for (auto [of, coefficient] :
         llvm::zip(computed.getSizes(), computed.getCoefficients())) {
      if (of <= last || of >= number) {
        return kernel.emitOpError("computes size ")
               << number << " from sizes that do not stand before it, in order";
      }
      last = of;
      const Int128 product =
          Int128{coefficient} * sizes[static_cast<size_t>(of)].getBound();
      most += std::max<Int128>(product, 0);
      magnitude += product < 0 ? -product : product;
    }
    if (magnitude > kMostBytes ||
        most / computed.getDivisor() > size.getBound()) {
      return kernel.emitOpError("computes size ")
             << number << ", which can be more than its bound "
             << size.getBound();
    }
  }
  return success();
}
