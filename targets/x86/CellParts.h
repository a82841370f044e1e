// What the cells of x86 in their files share: the width of registers,
// multiplications.
#ifndef LPGEN_TARGETS_X86_CELLPARTS_H
#define LPGEN_TARGETS_X86_CELLPARTS_H

#include "targets/x86/Cells.h"
#include <string>

namespace lpgen::x86 {

/// Lanes of `bits` bits in a register.
constexpr int64_t lanesOf(Width width, unsigned bits) {
  return static_cast<unsigned>(width) / bits;
}

inline bool isZmm(mlir::Value vector) {
  auto type = llvm::cast<mlir::VectorType>(vector.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() == 512;
}

/// What a signed byte holds.
constexpr StoredRange kS8{-128, 127};

/// As many lanes of `bits` bits as fill a register like `vector`.
mlir::VectorType sameRegister(mlir::OpBuilder &b, mlir::Value vector,
                              unsigned bits);
/// Sums of two products of unsigned bytes `u` and signed bytes `s` in lanes of
/// 16 bits, which saturate (vpmaddubsw).
mlir::Value maddubs(mlir::OpBuilder &b, mlir::Location loc, mlir::Value u,
                    mlir::Value s);
/// Sums of two products of 16-bit lanes in lanes of 32 bits (vpmaddwd).
mlir::Value maddwd(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                   mlir::Value w);
/// Sums of neighbouring 16-bit lanes, in 32 bits.
mlir::Value sumPairs(mlir::OpBuilder &b, mlir::Location loc, mlir::Value sums);

/// The intrinsic of `instruction` of AVX512-VNNI; AVX-VNNI has the one of 256
/// bits.
std::string dotIntrinsic(llvm::StringRef instruction, Width width);
/// Vector instructions that one of these is worth: Zen 4 begins one product of
/// 512 bits a cycle, and two sums (2026-11).
constexpr double dotOps(Width width) { return width == Width::Zmm ? 2 : 1; }

/// The cell for registers of `width` among those that `make` makes.
template <typename Make>
const Cell &cellOf(Width width, Make make) {
  static const auto ymm = make(Width::Ymm);
  static const auto zmm = make(Width::Zmm);
  return width == Width::Ymm ? ymm : zmm;
}

} // namespace lpgen::x86

#endif // LPGEN_TARGETS_X86_CELLPARTS_H
