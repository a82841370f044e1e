// Ops and types of the scalars that loops compute with.
#ifndef LPGEN_IR_DIALECT_SCALARS_H
#define LPGEN_IR_DIALECT_SCALARS_H

#include "ir/dialect/Lp.h"

namespace lpgen::lp {

/// The first op in `region` that does not compute scalars; null if all do.
mlir::Operation *findNonScalar(mlir::Region &region);

/// True for types that elements of a tensor can have.
bool isElementType(mlir::Type type);
/// True if `shaped` can hold elements of `element`: as they are in tensors,
/// their storage in memrefs.
bool holdsElement(mlir::Type shaped, mlir::Type element);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_SCALARS_H
