// Elements of a table of bytes in memory, looked up many at once: what
// functions by table and codebooks become. The functions stand in the rows of
// targets.
#ifndef LPGEN_TARGETS_BYTELOOKUP_H
#define LPGEN_TARGETS_BYTELOOKUP_H

#include "targets/Target.h"

namespace lpgen {

/// True if there can be a look-up in so many bytes: 16, 32, 64, 128 or 256.
constexpr bool isByteTable(int64_t entries) {
  return entries >= 16 && entries <= 256 && (entries & (entries - 1)) == 0;
}

/// Bytes that the indices lie in, at least: those of a vector register of 128
/// bits.
constexpr int64_t kLeastIndices = 16;

namespace x86 {
/// By vpshufb.
mlir::Value lookUpNibbles(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value table, mlir::Value indices);
/// By vpermi2b, where that is one of the target's.
mlir::Value lookUpBytes(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value table, mlir::Value indices);
} // namespace x86

namespace arm {
/// By tbl.
mlir::Value lookUpBytes(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value table, mlir::Value indices);
} // namespace arm

} // namespace lpgen

#endif // LPGEN_TARGETS_BYTELOOKUP_H
