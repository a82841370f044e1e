// Sums times fixed-point factors, as quantized layers scale them. The functions
// stand in the rows of targets.
#ifndef LPGEN_TARGETS_RESCALE_H
#define LPGEN_TARGETS_RESCALE_H

#include "targets/Target.h"

namespace lpgen {

namespace x86 {
/// By vpmuldq.
mlir::Value rescale(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                    mlir::Value multiplier, mlir::Value shift,
                    int64_t leastShift);
} // namespace x86

namespace arm {
/// By smull and srshl.
mlir::Value rescale(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                    mlir::Value multiplier, mlir::Value shift,
                    int64_t leastShift);
} // namespace arm

} // namespace lpgen

#endif // LPGEN_TARGETS_RESCALE_H
