// Run-time sizes of a checked operator. See Ast.h.
#include "base/tensor/Strides.h"
#include "operators/frontend/Ast.h"

using namespace lpgen;
using namespace lpgen::ast;

int64_t Op::sizeOf(const Extent &extent, llvm::ArrayRef<int64_t> sizes) const {
  if (extent.isStatic()) {
    return extent.size;
  }
  if (*extent.id >= 0) {
    return sizes[size_t(*extent.id)];
  }
  const auto before = valuesOf(
      std::span(computedSizes).first(computedNumber(*extent.id)), sizes);
  return valueOf(computedSizes[computedNumber(*extent.id)], sizes, before)
      .value_or(0);
}

std::string Op::whyNotSizes(llvm::ArrayRef<int64_t> sizes) const {
  if (sizes.size() != symbols.size()) {
    return "op '" + name + "' has " + std::to_string(symbols.size()) +
           " run-time sizes, but " + std::to_string(sizes.size()) +
           " values were given";
  }
  std::string values;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const std::string value =
        "?" + symbols[i].name + " is " + std::to_string(sizes[i]);
    if (sizes[i] < 0 || sizes[i] > symbols[i].bound) {
      return value + ", expected a size from 0 to its bound " +
             std::to_string(symbols[i].bound);
    }
    values += (values.empty() ? "" : ", ") + value;
  }
  const size_t number = valuesOf(computedSizes, sizes).size();
  if (number == computedSizes.size()) {
    return whyNotStrides(sizes);
  }
  return values + ", for which the size " +
         textOf({0, ~static_cast<SizeId>(number)}) +
         " is negative or no integer";
}

static std::vector<int64_t> shapeOf(const Op &op, const Tensor &tensor,
                                    llvm::ArrayRef<int64_t> sizes) {
  std::vector<int64_t> shape;
  shape.reserve(tensor.shape.size());
  for (const Extent &extent : tensor.shape) {
    shape.push_back(op.sizeOf(extent, sizes));
  }
  return shape;
}

std::vector<int64_t> Op::stridesOf(const Tensor &tensor,
                                   llvm::ArrayRef<int64_t> sizes) const {
  std::vector<int64_t> strides;
  strides.reserve(tensor.strides.size());
  for (const Extent &stride : tensor.strides) {
    strides.push_back(sizeOf(stride, sizes));
  }
  return tensor.strides.empty() ? denseStrides(shapeOf(*this, tensor, sizes))
                                : strides;
}

std::string Op::whyNotStrides(llvm::ArrayRef<int64_t> sizes) const {
  for (const Tensor &tensor : tensors) {
    if (tensor.strides.empty()) {
      continue;
    }
    const std::vector<int64_t> strides = stridesOf(tensor, sizes);
    const std::vector<int64_t> shape = shapeOf(*this, tensor, sizes);
    if (!areNested(shape, strides)) {
      return "elements of '" + tensor.name +
             "' share places: its extents are " + shapeToString(shape) +
             ", its strides " + shapeToString(strides) +
             "; a stride is larger than what the dimensions with smaller ones "
             "take";
    }
  }
  return "";
}

std::vector<bool> Op::strideSymbols() const {
  std::vector<bool> only(symbols.size());
  const auto mark = [&](const Extent &extent, bool isOnly) {
    llvm::SmallVector<SizeId> open;
    if (!extent.isStatic()) {
      open.push_back(*extent.id);
    }
    while (!open.empty()) {
      const SizeId size = open.pop_back_val();
      if (size >= 0) {
        only[size_t(size)] = isOnly;
        continue;
      }
      for (const SizeTerm &term : computedSizes[computedNumber(size)].terms) {
        open.push_back(term.size);
      }
    }
  };
  for (const Tensor &tensor : tensors) {
    for (const Extent &stride : tensor.strides) {
      mark(stride, true);
    }
  }
  for (const Tensor &tensor : tensors) {
    for (const Extent &extent : tensor.shape) {
      mark(extent, false);
    }
  }
  return only;
}

std::vector<int64_t> Op::largestSizes() const {
  const std::vector<bool> only = strideSymbols();
  std::vector<int64_t> sizes;
  sizes.reserve(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) {
    sizes.push_back(only[i] ? -1 : symbols[i].bound);
  }
  return withStrides(std::move(sizes));
}

std::vector<int64_t> Op::withStrides(std::vector<int64_t> sizes,
                                     int64_t slack) const {
  const std::vector<bool> only = strideSymbols();
  std::vector<bool> known;
  std::vector<int64_t> bounds;
  for (size_t i = 0; i < symbols.size(); ++i) {
    known.push_back(!only[i] || sizes[i] >= 0);
    bounds.push_back(symbols[i].bound);
  }
  std::vector<StridedTensor> strided;
  for (const Tensor &tensor : tensors) {
    if (tensor.strides.empty()) {
      continue;
    }
    const auto convert = [&](const Extent &extent) {
      return extent.isStatic() ? SizeOrConstant{extent.size}
                               : SizeOrConstant{0, int64_t(sizeNumber(extent))};
    };
    StridedTensor &added = strided.emplace_back();
    for (const auto &[extent, stride] :
         llvm::zip_equal(tensor.shape, tensor.strides)) {
      added.shape.push_back(convert(extent));
      added.strides.push_back(convert(stride));
    }
  }
  chooseStrides(strided, computedSizes, bounds, slack, sizes, known);
  return sizes;
}

std::string Op::textOf(const Extent &extent) const {
  if (extent.isStatic()) {
    return std::to_string(extent.size);
  }
  const auto nameOf = [&](size_t symbol) { return "?" + symbols[symbol].name; };
  return *extent.id >= 0
             ? nameOf(size_t(*extent.id))
             : sizeText(computedSizes, computedNumber(*extent.id), nameOf);
}
