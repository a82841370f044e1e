// lp.kernel: the attributes of its signature, and the verifier that holds the
// body of each stage to them. Labels are those of LpBase.td and LpOps.td.
#include "ir/dialect/Lp.h"
#include "ir/dialect/Verify.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

LogicalResult
PackedBufferAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                         int64_t bytes, LayoutAttr layout,
                         FlatSymbolRefAttr /*packer*/) {
  if (!layout.isOfWeights() || bytes < 64 ||
      bytes > kMostBytes) { // packed_buffer_c1
    return emitError() << "a buffer arrives packed as weights, in 64 bytes or "
                          "more";
  }
  return success();
}

static bool isSha256(StringRef text) {
  return text.size() == 64 && llvm::all_of(text, llvm::isHexDigit);
}

/// buffer_c1: true if the constant extents and their product are in bounds.
static bool isShapeWithinLimit(ArrayRef<int64_t> shape) {
  int64_t elements = 1;
  for (int64_t extent : shape) {
    if (extent == 0 || extent > maxExtent || extent < -int64_t{INT32_MAX}) {
      return false;
    }
    if (llvm::MulOverflow(elements, std::max<int64_t>(extent, 1), elements) ||
        elements > maxExtent) {
      return false;
    }
  }
  return true;
}

/// True if `live` has first, step and count of slices for each extent.
static bool areSlicesOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> live) {
  if (live.size() != 3 * shape.size()) {
    return false;
  }
  return llvm::all_of(llvm::enumerate(shape), [&](auto extent) {
    ArrayRef<int64_t> slices = live.slice(3 * extent.index(), 3);
    return slices[0] >= 0 && slices[0] < extent.value() && slices[1] >= 1 &&
           slices[2] >= 1 &&
           slices[2] - 1 <= (extent.value() - 1 - slices[0]) / slices[1];
  });
}

LogicalResult
BufferAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef name,
                   BufferRole role, mlir::Type element, ArrayRef<int64_t> shape,
                   ArrayRef<int64_t> range, PackedBufferAttr packed,
                   StringRef digest, ArrayRef<int64_t> pairSums,
                   ArrayRef<int64_t> live, ArrayRef<int64_t> strides) {
  auto fail = [&](const Twine &what) {
    return emitError() << "buffer '" << name << "' " << what;
  };
  const bool isInteger = !isa<FloatType>(element);
  if (!isElementType(element)) { // buffer_c1
    return fail("needs elements of !lp.int, i32, i64, f16, bf16 or f32");
  }
  if (!isShapeWithinLimit(shape)) { // buffer_c1
    return fail("needs positive extents and at most 2^40 elements");
  }
  if (isInteger != !range.empty()) { // buffer_c2
    return fail(isInteger ? "has integers and no range"
                          : "has a range of floats");
  }
  if (isInteger) { // buffer_c2
    const ElementType type = toElementType(element);
    if (range.size() != 2 || range[0] > range[1] ||
        range[0] < type.minValue() || range[1] > type.maxValue()) {
      return fail("needs a range within that of its elements");
    }
  }
  if (packed && role == BufferRole::Output) { // buffer_c3
    return fail("is packed and no input or constant");
  }
  const bool areSums =
      pairSums.size() == size_t{2} * kNumPairRuns &&
      llvm::all_of(llvm::enumerate(pairSums), [](auto sum) {
        return sum.index() % 2 == 0 ? sum.value() <= 0 : sum.value() >= 0;
      });
  if (!pairSums.empty() && (role != BufferRole::Constant || !areSums)) {
    return fail("needs sums of pairs of a constant for every n"); // buffer_c5
  }
  const bool isConstant = role == BufferRole::Constant;
  if (!live.empty() &&
      (!isConstant || !isInteger || !areSlicesOf(shape, live))) { // buffer_c6
    return fail("needs live slices of a constant of integers, within its "
                "shape");
  }
  if (!strides.empty() && (isConstant || strides.size() != shape.size() ||
                           llvm::any_of(strides, [](int64_t stride) {
                             return stride == 0 || stride > maxExtent;
                           }))) { // buffer_c7
    return fail("needs strides of an input or an output, one of 1 to 2^40 for "
                "each dimension");
  }
  if (isConstant
          ? !isSha256(digest) ||
                llvm::any_of(shape, [](int64_t extent) { return extent < 0; })
          : !digest.empty()) { // buffer_c4
    return fail(isConstant ? "is a constant and needs constant extents and a "
                             "digest of 64 hexadecimal digits"
                           : "has a digest and is no constant");
  }
  return success();
}

BufferAttr BufferAttr::packedAs(PackedBufferAttr packed) const {
  return get(getContext(), getName(), getRole(), getElement(), getShape(),
             getRange(), packed, getDigest(), getPairSums(), getLive(),
             getStrides());
}

Slices BufferAttr::liveAt(unsigned dim) const {
  if (getLive().empty()) {
    return {0, 1, getShape()[dim]};
  }
  ArrayRef<int64_t> slices = getLive().slice(size_t{3} * dim, 3);
  return {slices[0], slices[1], slices[2]};
}

static SmallVector<int64_t> dynamicShape(ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [](int64_t extent) {
    return extent < 0 ? ShapedType::kDynamic : extent;
  });
}

RankedTensorType BufferAttr::tensorType() const {
  return RankedTensorType::get(dynamicShape(getShape()), getElement());
}

MemRefType BufferAttr::memrefType() const {
  MemRefLayoutAttrInterface layout;
  if (!getStrides().empty()) {
    layout =
        StridedLayoutAttr::get(getContext(), 0, dynamicShape(getStrides()));
  }
  return MemRefType::get(dynamicShape(getShape()), getStorageType(getElement()),
                         layout);
}

MemRefType BufferAttr::passedType() const {
  return getPacked() ? MemRefType::get({getPacked().getBytes()},
                                       IntegerType::get(getContext(), 8))
                     : memrefType();
}

LogicalResult
ContractionAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                        StringRef label, mlir::Type x, mlir::Type w,
                        mlir::Type accumulator, ScheduleAttr /*schedule*/,
                        int64_t group, StringRef /*choice*/) {
  if (group < 0 || !isElementType(x) || !isElementType(w) ||
      !isElementType(accumulator)) { // contraction_c1
    return emitError() << "contraction '" << label
                       << "' needs elements and a group of 0 or more";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

SmallVector<BufferAttr> KernelOp::bufferList() {
  return llvm::to_vector(getBuffersAttr().getAsRange<BufferAttr>());
}

BufferAttr KernelOp::bufferOf(BlockArgument argument) {
  const size_t number = argument.getArgNumber();
  const size_t first = getSizes().size();
  if (getBody().empty() || argument.getOwner() != &getBody().front() ||
      number < first || number - first >= getBuffers().size()) {
    return {};
  }
  return cast<BufferAttr>(getBuffers()[number - first]);
}

SmallVector<mlir::Type> KernelOp::memrefArgumentTypes() {
  SmallVector<mlir::Type> types(getSizes().size(),
                                IndexType::get(getContext()));
  for (BufferAttr buffer : bufferList()) {
    types.push_back(buffer.passedType());
  }
  types.push_back(
      MemRefType::get({static_cast<int64_t>(getWorkspace().value_or(0))},
                      IntegerType::get(getContext(), 8)));
  return types;
}

/// Names go into C headers.
static bool isIdentifier(StringRef name) {
  return !name.empty() && !llvm::isDigit(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

/// Inputs, constants, outputs.
static int placeOf(BufferRole role) {
  return role == BufferRole::Output ? 2 : role == BufferRole::Constant ? 1 : 0;
}

/// True if a view spans no more elements than a tensor can have, whatever its
/// run-time sizes.
static bool isSpanWithinLimit(KernelOp kernel, BufferAttr buffer) {
  const auto boundOf = [&](int64_t size) {
    return size < 0 ? cast<SizeAttr>(kernel.getSizes()[~size]).getBound()
                    : size;
  };
  int64_t span = 1;
  for (auto [extent, stride] :
       llvm::zip(buffer.getShape(), buffer.getStrides())) {
    int64_t last = 0;
    if (llvm::MulOverflow(boundOf(extent) - 1, boundOf(stride), last) ||
        llvm::AddOverflow(span, last, span) || span > maxExtent) {
      return false;
    }
  }
  return true;
}

/// kernel_c1
static LogicalResult verifySignature(KernelOp kernel) {
  llvm::StringSet<> names;
  if (!isIdentifier(kernel.getSymName())) {
    return kernel.emitOpError("needs an identifier as its name");
  }
  if (failed(verifyComputedSizes(kernel))) {
    return failure();
  }
  for (SizeAttr size : kernel.sizeList()) {
    if (size.getComputed()) {
      continue;
    }
    if (!isIdentifier(size.getName())) {
      return kernel.emitOpError("has size '")
             << size.getName() << "', which is no identifier";
    }
    if (!names.insert(size.getName()).second) {
      return kernel.emitOpError("has two sizes '") << size.getName() << "'";
    }
  }
  llvm::StringMap<BufferAttr> buffers;
  BufferRole last = BufferRole::Input;
  for (BufferAttr buffer : kernel.bufferList()) {
    if (!isIdentifier(buffer.getName())) {
      return kernel.emitOpError("has buffer '")
             << buffer.getName() << "', which is no identifier";
    }
    auto [earlier, isNew] = buffers.try_emplace(buffer.getName(), buffer);
    if (!isNew && (buffer.getDigest().empty() ||
                   buffer.getDigest() != earlier->second.getDigest())) {
      return kernel.emitOpError("has two buffers '") << buffer.getName() << "'";
    }
    if (placeOf(buffer.getRole()) < placeOf(last)) {
      return kernel.emitOpError("has ")
             << stringifyBufferRole(buffer.getRole()) << " '"
             << buffer.getName() << "' after "
             << (last == BufferRole::Output ? "an output" : "a constant");
    }
    last = buffer.getRole();
    int64_t elements = 1;
    for (int64_t extent :
         llvm::concat<const int64_t>(buffer.getShape(), buffer.getStrides())) {
      if (extent < 0 &&
          ~extent >= static_cast<int64_t>(kernel.getSizes().size())) {
        return kernel.emitOpError("has no size ?")
               << ~extent << ", which buffer '" << buffer.getName()
               << "' names";
      }
    }
    if (!isSpanWithinLimit(kernel, buffer)) { // kernel_c1
      return kernel.emitOpError("has buffer '")
             << buffer.getName() << "' whose strides span more than 2^40 "
             << "elements";
    }
    for (int64_t extent : buffer.getShape()) {
      if (extent < 0) {
        extent = cast<SizeAttr>(kernel.getSizes()[~extent]).getBound();
      }
      if (llvm::MulOverflow(elements, extent, elements) ||
          elements > maxExtent) {
        return kernel.emitOpError("has buffer '")
               << buffer.getName() << "' of more than 2^40 elements";
      }
    }
  }
  return success();
}

LogicalResult KernelOp::verify() {
  if (failed(verifySignature(*this))) {
    return failure();
  }
  const bool hasBody = !getBody().empty();
  if (hasBody && (getPhases() || getScratch())) { // kernel_c3
    return emitOpError("has a body and phases or scratch");
  }
  if (!hasBody &&
      !(getPhases() && getWorkspace() && getScratch())) { // kernel_c3
    return emitOpError("without a body needs phases, workspace and scratch");
  }
  for (std::optional<uint64_t> bytes : {getWorkspace(), getScratch()}) {
    if (bytes && *bytes > uint64_t{kMostBytes}) { // kernel_c4
      return emitOpError("needs a workspace and scratch of 0 to 2^62 bytes");
    }
  }
  if (getHash() && !isSha256(*getHash())) { // kernel_c4
    return emitOpError("needs a hash of 64 hexadecimal digits");
  }
  return success();
}

/// kernel_c2
LogicalResult KernelOp::verifyRegions() {
  if (getBody().empty()) {
    return success();
  }
  SmallVector<mlir::Type> arguments = memrefArgumentTypes();
  SmallVector<mlir::Type> results;
  if (hasTensors()) {
    arguments.truncate(getSizes().size());
    for (BufferAttr buffer : bufferList()) {
      (buffer.isOutput() ? results : arguments).push_back(buffer.tensorType());
    }
  }
  Block &block = getBody().front();
  if (block.getNumArguments() != arguments.size()) {
    return emitOpError("needs ")
           << arguments.size() << " arguments by its signature, found "
           << block.getNumArguments();
  }
  for (auto [argument, type] :
       llvm::zip_equal(block.getArguments(), arguments)) {
    if (argument.getType() != type) {
      return emitOpError("needs argument ")
             << argument.getArgNumber() << " of type " << type << ", found "
             << argument.getType();
    }
  }
  auto isSize = [&](mlir::Value extent) { return boundOf(extent).has_value(); };
  auto isKnown = [&](Operation *op) {
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case<ComputeOp, ContractOp, PackOp>([&](auto loops) {
          return llvm::all_of(loops.getDynamicExtents(), isSize);
        })
        .Case<ReduceOp>([&](ReduceOp reduce) {
          return llvm::all_of(
              reduce.getDynamicExtents(), [&](mlir::Value extent) {
                return isSize(extent) || extent.getDefiningOp<arith::AddIOp>();
              });
        })
        .Default(true);
  };
  WalkResult unknown = getBody().walk([&](Operation *op) {
    if (isKnown(op)) {
      return WalkResult::advance();
    }
    op->emitOpError("needs run-time sizes of the kernel as dynamic extents");
    return WalkResult::interrupt();
  });
  if (unknown.wasInterrupted()) {
    return failure();
  }
  Operation *yield = block.getTerminator();
  if (!llvm::equal(yield->getOperandTypes(), results)) {
    return yield->emitOpError("must yield the kernel's outputs, ")
           << results.size() << " tensors as buffers say";
  }
  return success();
}

/// kernel_c5: `name` is a function of `arguments`, where types are still those
/// of MLIR's functions; later ones are checked where they are called.
static LogicalResult verifyFunction(KernelOp kernel,
                                    SymbolTableCollection &symbols,
                                    FlatSymbolRefAttr name,
                                    ArrayRef<mlir::Type> arguments,
                                    ArrayRef<mlir::Type> results) {
  auto function =
      symbols.lookupNearestSymbolFrom<FunctionOpInterface>(kernel, name);
  if (!function) {
    return kernel.emitOpError("has no function ") << name;
  }
  auto type = dyn_cast<FunctionType>(function.getFunctionType());
  if (type && (type.getInputs() != arguments || type.getResults() != results)) {
    InFlightDiagnostic error = kernel.emitOpError("needs function ");
    error << name << " of type "
          << FunctionType::get(kernel.getContext(), arguments, results);
    error.attachNote(function.getLoc()) << "found " << type;
    return error;
  }
  return success();
}

LogicalResult KernelOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  Builder b(getContext());
  for (BufferAttr buffer : bufferList()) {
    if (PackedBufferAttr packed = buffer.getPacked();
        packed && failed(verifyFunction(
                      *this, symbolTable, packed.getPacker(),
                      {buffer.memrefType(), buffer.passedType()}, {}))) {
      return failure();
    }
  }
  if (!getPhases()) {
    return success();
  }
  const SmallVector<mlir::Type> all = memrefArgumentTypes();
  SmallVector<mlir::Type> sizes(getSizes().size(), b.getIndexType());
  for (auto phase : getPhasesAttr().getAsRange<PhaseAttr>()) {
    SmallVector<mlir::Type> arguments;
    for (int64_t number : phase.getTakes()) {
      if (number < 0 || number >= static_cast<int64_t>(all.size())) {
        return emitOpError("has no argument ")
               << number << ", which function " << phase.getRun() << " takes";
      }
      arguments.push_back(all[number]);
    }
    arguments.push_back(MemRefType::get(
        {static_cast<int64_t>(getScratch().value_or(0))}, b.getI8Type()));
    arguments.append(2, b.getIndexType());
    if (failed(verifyFunction(*this, symbolTable, phase.getRun(), arguments,
                              {})) ||
        failed(verifyFunction(*this, symbolTable, phase.getTasks(), sizes,
                              {b.getIndexType()}))) {
      return failure();
    }
  }
  return success();
}

KernelOp lpgen::lp::kernelOf(Operation *op) {
  if (auto kernel = dyn_cast<KernelOp>(op)) {
    return kernel;
  }
  if (auto kernel = op->getParentOfType<KernelOp>()) {
    return kernel;
  }
  while (Operation *parent = op->getParentOp()) {
    op = parent;
  }
  if (op->getNumRegions() != 1 || op->getRegion(0).empty()) {
    return {};
  }
  auto kernels = op->getRegion(0).front().getOps<KernelOp>();
  return kernels.empty() ? KernelOp() : *kernels.begin();
}
