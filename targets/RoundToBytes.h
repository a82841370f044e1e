// Many f32 as unsigned bytes, as the epilogues of quantized layers store them.
// The functions stand in the rows of targets.
#ifndef LPGEN_TARGETS_ROUNDTOBYTES_H
#define LPGEN_TARGETS_ROUNDTOBYTES_H

#include "targets/Target.h"

namespace lpgen::x86 {
/// One, two or four registers of 256 bits at once, by instructions that
/// saturate.
mlir::Value roundToBytesYmm(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value floats, mlir::Value high);
/// Likewise of 512 bits.
mlir::Value roundToBytesZmm(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value floats, mlir::Value high);
} // namespace lpgen::x86

namespace lpgen::arm {
/// Eight at a time, likewise, if `high` is a constant.
mlir::Value roundToBytes(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value floats, mlir::Value high);
} // namespace lpgen::arm

#endif // LPGEN_TARGETS_ROUNDTOBYTES_H
