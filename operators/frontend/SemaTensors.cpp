// Types, extents and sizes of declared tensors. See SemaTensors.h.
#include "operators/frontend/SemaTensors.h"

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

/// The row of letters whose width can be computed, or null.
static const TypeFamily *findFamily(llvm::StringRef letters) {
  for (const TypeFamily &family : elementTypes) {
    if (letters == llvm::StringRef(family.letters) &&
        family.narrowest != family.widest) {
      return &family;
    }
  }
  return nullptr;
}

static std::optional<ElementType> typeOf(llvm::StringRef letter, int64_t width,
                                         llvm::SMRange range,
                                         Diagnostics &diags) {
  const TypeFamily *family = findFamily(letter);
  if (!family) {
    llvm::StringRef text(range.Start.getPointer(),
                         range.End.getPointer() - range.Start.getPointer());
    diags.error(range, "unknown type '" + text.take_front(40) + "': expected " +
                           listElementTypes());
    return std::nullopt;
  }
  const auto known = ElementType::parse((letter + Twine(width)).str());
  if (!known) {
    diags.error(range, "type '" + letter + "' has widths from " +
                           Twine(family->narrowest) + " to " +
                           Twine(family->widest) + ", found " + Twine(width));
  }
  return known;
}

std::optional<ElementType> lpgen::resolveType(const TypeSyntax &type,
                                              ConstantEvaluator &constants,
                                              Diagnostics &diags) {
  if (type.width) {
    std::optional<int64_t> width = constants.evaluate(*type.width);
    return width ? typeOf(type.text, *width, type.range, diags) : std::nullopt;
  }
  llvm::StringRef text = type.text;
  if (const auto known = ElementType::parse(text)) {
    return known;
  }
  int64_t width = 0;
  llvm::StringRef digits = text.drop_front(1);
  bool hasWidth = (digits == "0" || !digits.starts_with("0")) &&
                  !digits.getAsInteger(10, width);
  return typeOf(hasWidth ? text.take_front(1) : "", width, type.range, diags);
}

std::optional<int64_t> lpgen::resolveExtent(const Node &node,
                                            ConstantEvaluator &constants,
                                            Diagnostics &diags) {
  std::optional<int64_t> value = constants.evaluate(node);
  if (value && (*value < 1 || *value > maxElements)) {
    diags.error(node.range, "an extent is at least 1 and at most 2^40, found " +
                                Twine(*value));
    return std::nullopt;
  }
  return value;
}

bool lpgen::checkRank(const Name &name, size_t rank, Diagnostics &diags) {
  if (rank <= maxRank) {
    return true;
  }
  diags.error(name.range, "'" + name.text + "' has " + Twine(rank) +
                              " dimensions; at most " + Twine(maxRank) +
                              " are supported");
  return false;
}

bool lpgen::checkElements(const ast::Tensor &tensor, llvm::SMRange range,
                          Diagnostics &diags) {
  int64_t elements = 1;
  for (const ast::Extent &extent : tensor.shape) {
    if (extent.size > maxElements / elements) {
      diags.error(range, "'" + tensor.name + "' has more than 2^40 elements");
      return false;
    }
    elements *= extent.size;
  }
  return true;
}
