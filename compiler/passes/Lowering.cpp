// The table of templates' lowerings. See Lowering.h.
#include "compiler/passes/Lowering.h"
#include "compiler/passes/LaneTiler.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// The loop nest as written, as an elementwise op whose body holds the sum.
class DirectLowering : public Lowering {
public:
  FailureOr<std::optional<PackedForm>>
  formOf(lp::ContractOp /*op*/) const override {
    return std::optional<PackedForm>();
  }
  FailureOr<bool> replace(lp::ContractOp op) const override {
    if (op.getXLayout() || op.getWLayout()) {
      return op.emitError("works on logical tensors; found a packed operand");
    }
    contractToCompute(op);
    return true;
  }
  SmallVector<OpFoldResult>
  taskSizes(lp::ContractOp /*op*/, Emitter & /*e*/,
            llvm::function_ref<Value(Value)> /*resolve*/) const override {
    llvm_unreachable("it has become an lp.compute");
  }
  FailureOr<int64_t> emitTask(lp::ContractOp /*op*/, Emitter & /*e*/,
                              Coordinates /*task*/,
                              Value /*scratch*/) const override {
    llvm_unreachable("it has become an lp.compute");
  }
};

/// Packed operands, register tiles (ContractTiler).
class PackedLowering : public Lowering {
public:
  FailureOr<std::optional<PackedForm>>
  formOf(lp::ContractOp op) const override {
    FailureOr<PackedForm> form = scheduledForm(op);
    if (failed(form)) {
      return failure();
    }
    return std::optional<PackedForm>(std::in_place, std::move(*form));
  }
  FailureOr<bool> replace(lp::ContractOp op) const override {
    if (!op.getXLayout() || !op.getWLayout()) {
      return op.emitError("schedule '")
             << op.getSchedule()->getTemplateName()
             << "' works on packed operands; found a logical tensor";
    }
    return false;
  }
  SmallVector<OpFoldResult>
  taskSizes(lp::ContractOp op, Emitter &e,
            llvm::function_ref<Value(Value)> resolve) const override {
    return contractTaskSizes(op, e, resolve);
  }
  FailureOr<int64_t> emitTask(lp::ContractOp op, Emitter &e, Coordinates task,
                              Value scratch) const override {
    return lpgen::emitTask(op, e, task, scratch);
  }
};

/// w packed, x as it is; channels in the lanes (LaneTiler).
class LanesLowering : public Lowering {
public:
  FailureOr<std::optional<PackedForm>>
  formOf(lp::ContractOp op) const override {
    FailureOr<LaneForm> form = scheduledLaneForm(op);
    if (failed(form)) {
      return failure();
    }
    return std::optional<PackedForm>(std::move(form->unfolded));
  }
  FailureOr<bool> replace(lp::ContractOp op) const override {
    if (op.getXLayout() || !op.getWLayout()) {
      return op.emitError("schedule 'lanes' works on a logical x and a packed "
                          "w; found others");
    }
    return false;
  }
  SmallVector<OpFoldResult>
  taskSizes(lp::ContractOp op, Emitter &e,
            llvm::function_ref<Value(Value)> resolve) const override {
    return laneTaskSizes(op, e, resolve);
  }
  FailureOr<int64_t> emitTask(lp::ContractOp op, Emitter &e, Coordinates task,
                              Value scratch) const override {
    return emitLaneTask(op, e, task, scratch);
  }
};

struct Row {
  llvm::StringRef templateName;
  const Lowering &lowering;
};

} // namespace

const Lowering *lpgen::loweringOf(lp::ContractOp op) {
  static const DirectLowering direct;
  static const PackedLowering packed;
  static const LanesLowering lanes;
  static const Row rows[] = {{"direct", direct},
                             {"widen", packed},
                             {"bitserial", packed},
                             {"lut", packed},
                             {kLanesTemplate, lanes}};
  const auto schedule = op.getSchedule();
  if (!schedule) {
    return &direct;
  }
  for (const Row &row : rows) {
    if (row.templateName == schedule->getTemplateName()) {
      return &row.lowering;
    }
  }
  op.emitError("there is no schedule template '")
      << schedule->getTemplateName() << "'";
  return nullptr;
}
