// Kernel information as JSON. See KernelInfo.h.
#include "compiler/codegen/KernelInfo.h"
#include "llvm/ADT/StringExtras.h"

using namespace lpgen;
namespace json = llvm::json;

unsigned ConstantInfo::usedBits() const {
  ElementType type = buffer.type;
  if (type.isFloat() || type.encoding == Encoding::Ternary ||
      buffer.range.empty()) {
    return type.bits;
  }
  for (type.bits = 1; type.bits < buffer.type.bits; ++type.bits) {
    if (type.minValue() <= buffer.range[0] &&
        buffer.range[1] <= type.maxValue()) {
      break;
    }
  }
  return type.bits;
}

int64_t ConstantInfo::bytes() const {
  if (buffer.packedBytes > 0) {
    return buffer.packedBytes;
  }
  int64_t bytes = buffer.type.storageBits() / 8;
  for (const int64_t extent : buffer.shape) {
    bytes *= extent;
  }
  return bytes;
}

std::vector<const BufferInfo *> KernelInfo::arguments() const {
  std::vector<const BufferInfo *> list;
  for (const BufferInfo &buffer : buffers) {
    if (!buffer.isOutput) {
      list.push_back(&buffer);
    }
  }
  for (const ConstantInfo &constant : constants) {
    list.push_back(&constant.buffer);
  }
  for (const BufferInfo &buffer : buffers) {
    if (buffer.isOutput) {
      list.push_back(&buffer);
    }
  }
  return list;
}

/// IR from outside can have any bytes in its strings.
static std::string text(llvm::StringRef bytes) { return json::fixUTF8(bytes); }

json::Value KernelInfo::toJson() const {
  json::Array sizeList;
  for (const SizeInfo &size : sizes) {
    sizeList.push_back(
        json::Object{{"name", text(size.name)}, {"bound", size.bound}});
  }
  json::Array bufferList;
  for (const BufferInfo &b : buffers) {
    json::Object buffer{
        {"name", text(b.name)},          {"type", b.type.str()},
        {"shape", json::Array(b.shape)}, {"sizes", json::Array(b.symbols)},
        {"output", b.isOutput},          {"packed_bytes", b.packedBytes}};
    if (!b.strides.empty()) {
      buffer["strides"] = json::Array(b.strides);
      buffer["stride_sizes"] = json::Array(b.strideSymbols);
    }
    if (!b.range.empty()) {
      buffer["range"] = json::Array(b.range);
    }
    bufferList.push_back(std::move(buffer));
  }
  json::Array constantList;
  for (const ConstantInfo &c : constants) {
    const unsigned bits = c.buffer.type.bits;
    constantList.push_back(json::Object{{"name", text(c.buffer.name)},
                                        {"type", c.buffer.type.str()},
                                        {"shape", json::Array(c.buffer.shape)},
                                        {"packed", c.buffer.packedBytes > 0},
                                        {"bytes", c.bytes()},
                                        {"declared_bits", bits},
                                        {"used_bits", c.usedBits()},
                                        {"digest", text(c.digest)}});
  }
  json::Array contractList;
  for (const ContractInfo &c : contracts) {
    contractList.push_back(json::Object{{"statement", text(c.label)},
                                        {"x", c.x},
                                        {"w", c.w},
                                        {"accumulator", c.accumulator},
                                        {"schedule", text(c.schedule)},
                                        {"template", text(c.templateName)},
                                        {"layout", text(c.layout)},
                                        {"reason", text(c.reason)}});
  }
  json::Array phaseList;
  for (const PhaseInfo &phase : phases) {
    phaseList.push_back(text(phase.op));
  }
  return json::Object{
      {"op", text(op)},
      {"target", text(target)},
      {"sizes", std::move(sizeList)},
      {"computed_sizes", lpgen::toJson(computedSizes, sizes.size())},
      {"buffers", std::move(bufferList)},
      {"constants", std::move(constantList)},
      {"phases", std::move(phaseList)},
      {"contractions", std::move(contractList)},
      {"scratch_bytes", scratchBytes},
      {"workspace_bytes", workspaceBytes},
      {"hash", text(hash)}};
}

json::Array lpgen::toJson(const std::vector<ComputedSize> &sizes,
                          size_t numGiven) {
  json::Array list;
  for (const ComputedSize &size : sizes) {
    json::Array numbers;
    json::Array coefficients;
    for (const SizeTerm &term : size.terms) {
      numbers.push_back(static_cast<int64_t>(positionOf(term.size, numGiven)));
      coefficients.push_back(term.coefficient);
    }
    list.push_back(json::Object{{"sizes", std::move(numbers)},
                                {"coefficients", std::move(coefficients)},
                                {"constant", size.constant},
                                {"divisor", size.divisor},
                                {"floor", size.isFloor}});
  }
  return list;
}

std::string KernelInfo::sizeText(int64_t symbol) const {
  const auto number = static_cast<size_t>(symbol);
  return number < sizes.size()
             ? sizes[number].name
             : lpgen::sizeText(
                   computedSizes, number - sizes.size(),
                   [&](size_t given) { return sizes[given].name; });
}

std::string KernelInfo::symbol() const {
  std::string types = "elementwise";
  if (!contracts.empty()) {
    const ContractInfo &c = contracts.front();
    types = c.x + "x" + c.w + "_" + c.accumulator + "_" + c.templateName + "_" +
            c.layout;
  }
  return "lp_" + op + "_" + types + "_" + target + "_" + hash.substr(0, 8);
}

uint64_t KernelInfo::layoutId() const {
  uint64_t id = 0;
  llvm::StringRef(hash).take_front(16).getAsInteger(16, id);
  return id;
}
