// The packed form of one contraction for one cell: is there one, and what is
// it?
//
// Legality of a schedule, packing and tiling all ask this one function, so they
// cannot disagree.
#ifndef LPGEN_IR_ANALYSIS_PACKEDFORM_H
#define LPGEN_IR_ANALYSIS_PACKEDFORM_H

#include "ir/analysis/ElementStorage.h"
#include "ir/analysis/Geometry.h"
#include "targets/Cell.h"

namespace lpgen {

class Target;
struct Cpu;
struct VectorUnit;

/// A factor of the products without its zero point, from a stored element:
/// scale * stored + bias.
struct StoredFactor {
  int64_t scale = 1;
  int64_t bias = 0;
};

struct PackedForm {
  Geometry geometry;
  ElementStorage x;
  ElementStorage w;
  StoredFactor xFactor;
  StoredFactor wFactor;
  int64_t chunk = 0; ///< Steps before the accumulator must be widened.

  /// The sum needs more than the product of stored elements:
  bool needsXSums = false; ///< sums of stored x per output position,
  bool needsWSums = false; ///< sums of stored w per border class and channel.
};

/// The first factor where x is outside, its padding a constant, without the
/// zero point.
int64_t outsideFactor(lp::ContractOp contract);

/// True if what x is outside is not just left out: multiplied by f32, which may
/// be no numbers, or a first factor that is not known to be 0.
bool countsOutside(lp::ContractOp contract);

/// What a scalar of `element` can be: the declared range of an input, else that
/// of its type.
StoredRange rangeOfScalar(mlir::Value scalar, ElementType element);

/// True if a subscript of x is a quotient.
bool hasDivisions(lp::ContractOp contract);
/// Why lp-split-residues left it one, in words for the user.
std::string whyDivided(lp::ContractOp contract);

/// The packed form of `contract` for `cell` with `vectors` vectors of lanes in
/// a panel; nothing, and the reason, if there is none.
std::optional<PackedForm> planPackedForm(lp::ContractOp contract,
                                         const Cell &cell, int64_t vectors,
                                         std::string &reason);

/// The packed form that the schedule on `contract` names. Errors are emitted on
/// the op.
mlir::FailureOr<PackedForm> scheduledForm(lp::ContractOp contract);

/// The target of `op`'s kernel; null if it is unknown.
const Target *targetOf(mlir::Operation *op);

/// What kernels run on: the instructions that they may use, and the CPU that
/// they are made for.
struct Machine {
  const Target &target;
  const Cpu &cpu;
  /// The CPU's, for vectors of the target's width.
  const VectorUnit &unit() const;
};

/// Of `op`'s kernel, whose target is known.
Machine machineOf(mlir::Operation *op);

/// The cell called `name` of the target of `op`'s kernel; null if there is
/// none.
const Cell *findCell(mlir::Operation *op, llvm::StringRef name);

/// The cell of the schedule of `contract` if that packs both operands; null
/// otherwise.
const Cell *packedCell(lp::ContractOp contract);

/// Pairs of a plane of x and one of w: sweeps over the packed operands, 1 where
/// elements are stored whole.
int64_t planePairs(const PackedForm &form);

/// True if byte accumulators are widened to 16 bits first, because those hold
/// the sums of `steps` steps, all of a tile, and the bytes do not.
bool needsHalves(const PackedForm &form, const CellFacts &cell, int64_t steps);

/// Accumulators per vector of weights in a tile of `rows` rows.
int64_t rowBlocks(const Cell &cell, int64_t rows);

/// Vector registers that a tile of rows x vectors occupies.
int64_t tileRegisters(const Cell &cell, int64_t rows, int64_t vectors);

/// Planes that a register tile multiplies side by side.
struct PlanesTogether {
  int64_t x = 1; ///< In the place of rows.
  int64_t w = 1; ///< In the place of vectors.
};

/// All planes of w in a tile of several rows, which then share what is read of
/// x; or all planes of x in a tile of one row, where nothing else shares what
/// is read of w; each if there are registers for that.
PlanesTogether planesTogether(size_t xPlanes, size_t wPlanes, const Cell &cell,
                              int64_t rows, int64_t vectors,
                              const Machine &machine);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_PACKEDFORM_H
