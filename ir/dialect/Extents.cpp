// See Extents.h.
#include "ir/dialect/Extents.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

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

/// The buffer of the kernel that a tensor is or is yielded to; null if it is
/// none.
static BufferAttr bufferOfTensor(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto kernel =
        dyn_cast_if_present<KernelOp>(argument.getOwner()->getParentOp());
    return kernel ? kernel.bufferOf(argument) : BufferAttr();
  }
  for (OpOperand &use : tensor.getUses()) {
    auto kernel = dyn_cast_if_present<KernelOp>(use.getOwner()->getParentOp());
    if (!kernel || !isa<YieldOp>(use.getOwner())) {
      continue;
    }
    const SmallVector<BufferAttr> buffers = kernel.bufferList();
    const size_t first = buffers.size() - use.getOwner()->getNumOperands();
    return buffers[first + use.getOperandNumber()];
  }
  return {};
}

bool lp::isInnermostDense(Value shaped) {
  if (auto memref = dyn_cast<MemRefType>(shaped.getType())) {
    auto strided = dyn_cast<StridedLayoutAttr>(memref.getLayout());
    return !strided || strided.getStrides().empty() ||
           strided.getStrides().back() == 1;
  }
  const BufferAttr buffer = bufferOfTensor(shaped);
  return !buffer || buffer.getStrides().empty() ||
         buffer.getStrides().back() == 1;
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

Size lp::loopExtent(Value index) {
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

int64_t lp::mostOf(const Size &size) {
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
