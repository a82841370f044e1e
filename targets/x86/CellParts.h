// What the cells of x86 in their two files share: the width of registers.
#ifndef LPGEN_TARGETS_X86_CELLPARTS_H
#define LPGEN_TARGETS_X86_CELLPARTS_H

#include "targets/x86/Cells.h"

namespace lpgen::x86 {

/// Lanes of `bits` bits in a register.
constexpr int64_t lanesOf(Width width, unsigned bits) {
  return static_cast<unsigned>(width) / bits;
}

inline bool isZmm(mlir::Value vector) {
  auto type = llvm::cast<mlir::VectorType>(vector.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() == 512;
}

/// The cell for registers of `width` among those that `make` makes.
template <typename Make>
const Cell &cellOf(Width width, Make make) {
  static const auto ymm = make(Width::Ymm);
  static const auto zmm = make(Width::Zmm);
  return width == Width::Ymm ? ymm : zmm;
}

} // namespace lpgen::x86

#endif // LPGEN_TARGETS_X86_CELLPARTS_H
