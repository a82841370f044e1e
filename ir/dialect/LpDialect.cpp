// Registration, types and attributes of the lp dialect.
#include "ir/dialect/Lp.h"
#include "ir/dialect/ScheduleLimits.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "targets/cpus/Cpus.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lpgen;
using namespace lpgen::lp;

/// The row of the integers of up to 16 bits with an encoding.
static const TypeFamily &familyOf(Encoding encoding) {
  const auto *family = llvm::find_if(elementTypes, [&](const TypeFamily &row) {
    return row.encoding == encoding;
  });
  assert(family != std::end(elementTypes) && "each encoding has a row");
  return *family;
}

static FailureOr<Encoding> parseEncoding(AsmParser &parser) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  if (failed(parser.parseKeyword(&keyword))) {
    return failure();
  }
  std::string names;
  for (const TypeFamily &family : elementTypes) {
    if (!family.isFloat() && family.widest <= 16) {
      if (keyword == family.name) {
        return family.encoding;
      }
      names += (names.empty() ? "" : ", ") + std::string(family.name);
    }
  }
  return parser.emitError(loc, "expected one of ") << names;
}

/// `[?0, 20]`: run-time sizes by number, as ~number, and constants.
static LogicalResult parseShape(AsmParser &parser,
                                SmallVector<int64_t> &shape) {
  auto parseExtent = [&]() -> ParseResult {
    const bool isSize = succeeded(parser.parseOptionalQuestion());
    int64_t value = 0;
    if (parser.parseInteger(value)) {
      return failure();
    }
    if (value < 0) {
      return parser.emitError(parser.getNameLoc(),
                              "expected a positive extent");
    }
    shape.push_back(isSize ? ~value : value);
    return success();
  };
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                        parseExtent);
}

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape) {
  printer << "[";
  llvm::interleaveComma(shape, printer, [&](int64_t extent) {
    if (extent < 0) {
      printer << "?" << ~extent;
    } else {
      printer << extent;
    }
  });
  printer << "]";
}

#include "ir/dialect/LpDialect.cpp.inc"
#include "ir/dialect/LpEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/dialect/LpTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/dialect/LpAttrs.cpp.inc"

void LpDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/dialect/LpTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "ir/dialect/LpAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/dialect/LpOps.cpp.inc"
      >();
}

/// The only attribute that other dialects' ops may have from here.
LogicalResult LpDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attribute) {
  if (attribute.getName() != ElementwiseAttrHelper::getNameStr()) {
    return op->emitError("has unknown attribute '")
           << attribute.getName().getValue() << "'";
  }
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!loop || !isa<UnitAttr>(attribute.getValue()) ||
      loop.getNumResults() > 0) {
    return op->emitError("has '")
           << attribute.getName().getValue()
           << "', which marks loops without results and has no value";
  }
  return success();
}

LogicalResult IntType::verify(function_ref<InFlightDiagnostic()> emitError,
                              Encoding encoding, unsigned width) {
  const TypeFamily &family = familyOf(encoding);
  const bool isUnsigned = encoding == Encoding::Unsigned;
  const bool isKnown =
      family.holds(width) || (isUnsigned && width == 32); // int_c1
  if (family.isFloat() || !isKnown) {
    return emitError() << family.name << " cannot have " << width
                       << " bits; expected "
                       << (family.narrowest == family.widest
                               ? std::to_string(family.widest)
                               : std::to_string(family.narrowest) + " to " +
                                     std::to_string(family.widest))
                       << (isUnsigned ? " or 32" : "");
  }
  return success();
}

ElementType IntType::elementType() const { return {getEncoding(), getWidth()}; }

std::string lpgen::lp::faultOfSchedule(int64_t rows, int64_t vectors,
                                       int64_t unroll, int64_t block) {
  constexpr int64_t mostTile = 64;
  constexpr int64_t mostUnroll = 1024;
  constexpr int64_t mostBlock = int64_t{1} << 20;
  if (rows < 1 || vectors < 1 || unroll < 1 || block < 1) {
    return "tile, unroll and block must be positive";
  }
  if (rows > mostTile || vectors > mostTile || unroll > mostUnroll ||
      block > mostBlock) {
    return "tile goes up to [64,64], unroll to 1024, block to 1048576";
  }
  return "";
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringRef templateName, StringRef cell,
                                   int64_t tileRows, int64_t tileVectors,
                                   int64_t unroll, int64_t block,
                                   std::optional<int64_t> prefetch) {
  std::string fault = faultOfSchedule(tileRows, tileVectors, unroll, block);
  if (!fault.empty()) { // schedule_c1
    return emitError() << fault;
  }
  if ((templateName == "direct") != cell.empty()) { // schedule_c2
    return emitError() << "template '" << templateName << "' "
                       << (cell.empty() ? "needs a cell" : "has no cells");
  }
  if (prefetch && (*prefetch < 0 || *prefetch > kMostPrefetch)) { // schedule_c3
    return emitError() << "prefetch must be 0 to " << kMostPrefetch
                       << " bytes, found " << *prefetch;
  }
  return success();
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef /*name*/, StringRef cpu) {
  if (cpu.empty() || findCpu(cpu)) {
    return success();
  }
  InFlightDiagnostic error = // target_c1
      emitError() << "there is no record of a CPU '" << cpu
                  << "'; expected one of";
  for (const Cpu &known : allCpus()) {
    error << " " << known.name;
  }
  return error;
}

/// layout_c3: why `bits` of `group` elements do not fill `bytes` bytes.
static llvm::StringRef whyNotFilled(OperandKind operand, LayoutKind kind,
                                    int64_t group, int64_t bytes, int64_t bits,
                                    int64_t planes, bool isSigned) {
  const bool isWhole =
      kind == LayoutKind::Elements || kind == LayoutKind::Fields;
  if (isWhole && (group * bits != bytes * 8 || planes != 1)) {
    return "whole elements fill the bytes of one plane";
  }
  switch (kind) {
  case LayoutKind::Elements:
    return bits == 8 || bits == 16 || bits == 32
               ? ""
               : "elements have 8, 16 or 32 bits";
  case LayoutKind::Fields:
    return bits < 8 && 8 % bits == 0 && !isSigned &&
                   operand == OperandKind::Weights
               ? ""
               : "fields are weights of 1, 2 or 4 bits without a sign";
  case LayoutKind::Digits:
    return bytes <= group && (group + bytes - 1) / bytes * bits <= 8
               ? ""
               : "the digits of a group fit its bytes, one or more in each";
  case LayoutKind::Tables:
    return group % 4 == 0 && bytes == 4 * group && bits <= 4
               ? ""
               : "tables of 16 bytes are of 4 digits of at most 4 bits";
  }
  llvm_unreachable("all kinds are above");
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 OperandKind operand, LayoutKind kind,
                                 int64_t group, int64_t groupBytes,
                                 int64_t bits, int64_t planes, int64_t lanes,
                                 int64_t offset, bool /*halve*/, bool isSigned,
                                 bool /*sums*/) {
  auto isWithin = [](int64_t value, int64_t most) {
    return value >= 1 && value <= most;
  };
  if (!isWithin(group, 256) || !isWithin(groupBytes, 1024) ||
      !isWithin(bits, 32) || !isWithin(planes, 16) || !isWithin(lanes, 4096) ||
      !llvm::isInt<32>(offset)) { // layout_c1
    return emitError() << "expected a group of 1 to 256 elements and 1 to 1024 "
                          "bytes, 1 to 32 bits, 1 to 16 planes, 1 to 4096 "
                          "lanes and an offset of 32 bits";
  }
  if (operand == OperandKind::Activations && lanes != 1) { // layout_c2
    return emitError() << "activations have one lane, found " << lanes;
  }
  llvm::StringRef whyNot = whyNotFilled(operand, kind, group, groupBytes, bits,
                                        planes, isSigned); // layout_c3
  if (!whyNot.empty()) {
    return emitError() << "layout '" << stringifyLayoutKind(kind)
                       << "' is not possible: " << whyNot;
  }
  return success();
}

mlir::Type lpgen::lp::getElementType(MLIRContext *context, ElementType type) {
  if (type.encoding == lpgen::Encoding::Brain) {
    return BFloat16Type::get(context);
  }
  if (type.isFloat()) {
    return type.bits == 16 ? mlir::Type(Float16Type::get(context))
                           : Float32Type::get(context);
  }
  if (type.bits > 16 && type.encoding == lpgen::Encoding::Signed) {
    return IntegerType::get(context, type.bits);
  }
  return IntType::get(context, type.encoding, type.bits);
}

ElementType lpgen::lp::toElementType(mlir::Type type) {
  if (auto integer = dyn_cast<IntType>(type)) {
    return integer.elementType();
  }
  if (isa<FloatType>(type)) {
    return {type.isBF16() ? lpgen::Encoding::Brain : lpgen::Encoding::Float,
            type.getIntOrFloatBitWidth()};
  }
  return {lpgen::Encoding::Signed, type.getIntOrFloatBitWidth()};
}

mlir::Type lpgen::lp::getStorageType(mlir::Type element) {
  if (isa<IntType>(element) || element.isF16() || element.isBF16()) {
    return IntegerType::get(element.getContext(),
                            toElementType(element).storageBits());
  }
  return element;
}
