// The cells of x86 for registers of 256 and of 512 bits: the parts of their
// table, and what their emitters share.
#ifndef LPGEN_TARGETS_X86_CELLS_H
#define LPGEN_TARGETS_X86_CELLS_H

#include "base/abi/lp_kernel.h"
#include "targets/Cell.h"
#include <string>

namespace lpgen::x86 {

/// The vector registers of a cell and their bits.
enum class Width : unsigned { Ymm = 256, Zmm = 512 };

/// Groups of four bytes, one for each 32-bit lane (DwordCells.cpp).
std::vector<CellRow> dwordRows(Width width);
/// Elements of w of less than eight bits, packed (PackedCells.cpp).
std::vector<CellRow> packedRows(Width width);
/// Planes of digits, sums in bytes (PlaneCells.cpp).
std::vector<CellRow> planeRows(Width width);

//===----------------------------------------------------------------------===//
// What emitters share
//===----------------------------------------------------------------------===//

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
/// acc + products of bytes, or of 16-bit elements, by `instruction` of
/// AVX512-VNNI; AVX-VNNI has the one of 256 bits.
mlir::Value addDot(mlir::OpBuilder &b, mlir::Location loc,
                   llvm::StringRef instruction, mlir::Value acc, mlir::Value x,
                   mlir::Value w);

/// The feature that such instructions need.
constexpr uint64_t vnni(Width width) {
  return width == Width::Zmm ? LP_CPU_AVX512VNNI : LP_CPU_AVXVNNI;
}
/// Vector instructions that one of these is worth: Zen 4 begins one product of
/// 512 bits a cycle, and two sums (2026-11).
constexpr double dotOps(Width width) { return width == Width::Zmm ? 2 : 1; }

} // namespace lpgen::x86

#endif // LPGEN_TARGETS_X86_CELLS_H
