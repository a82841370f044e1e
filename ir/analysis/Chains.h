// Where the packed x of a contraction comes from: the layouts of one operator
// chain where what makes an intermediate can write it packed.
//
// Asked by bufferization, which does it, and by explain and remarks, which say
// so. Nothing here creates IR.
#ifndef LPGEN_IR_ANALYSIS_CHAINS_H
#define LPGEN_IR_ANALYSIS_CHAINS_H

#include "ir/analysis/LaneForm.h"

namespace lpgen {

enum class XOrigin {
  Logical,  ///< A phase of its own packs the logical tensor.
  Computed, ///< That phase computes the elements, too.
  Chained,  ///< The epilogue of the contraction that makes x writes it packed.
};

struct XSource {
  XOrigin origin = XOrigin::Logical;
  mlir::Operation *producer = nullptr; ///< What makes x; null for an input.
  std::string whyNot;                  ///< Of an intermediate, if Logical.
};

/// For a contraction on tensors with the packed form `form`.
XSource findXSource(lp::ContractOp contract, const PackedForm &form);

/// Why a contraction of form `producer` cannot write the packed x of geometry
/// `g`: its columns must be the packed dimension, in whole groups for each of
/// its tasks. Empty if it can.
std::string whyNotChained(const Geometry &g, const PackedForm &producer);
/// The same with channels in the lanes, where a task has one panel.
std::string whyNotChained(const Geometry &g, const LaneForm &producer);

/// True if packed x is the same for both: one buffer can serve two contractions
/// that read one tensor.
bool havePackedXAlike(const Geometry &a, const Geometry &b);

/// In words for the user; empty if x is an input or there is no packed form.
std::string describeXSource(lp::ContractOp contract);

} // namespace lpgen

#endif // LPGEN_IR_ANALYSIS_CHAINS_H
