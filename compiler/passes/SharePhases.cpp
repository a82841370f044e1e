// Equal layers of a network are equal functions but for their places in the
// workspace and the constants that they are given: such functions are compiled
// once. See Phases.h.
#include "compiler/passes/Phases.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace lpgen;

namespace {

/// What functions are compared by: their text without the name.
std::string textOf(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream os(text);
  function.print(os, OpPrintingFlags().useLocalScope());
  return text.substr(text.find('('));
}

/// A function whose constant places in the workspace are arguments.
struct Opened {
  func::FuncOp function;
  SmallVector<int64_t> places;
};

void setType(func::FuncOp function) {
  function.setFunctionType(FunctionType::get(
      function.getContext(), function.getBody().getArgumentTypes(), {}));
}

Opened openPlaces(func::FuncOp function, BlockArgument workspace) {
  Opened opened{function, {}};
  Block &body = function.getBody().front();
  const auto index = IndexType::get(function.getContext());
  SmallVector<memref::ViewOp> views;
  for (Operation *user : workspace.getUsers()) {
    auto view = dyn_cast<memref::ViewOp>(user);
    if (view && view->getBlock() == &body) {
      views.push_back(view);
    }
  }
  // Users stand in no order that two functions share.
  llvm::sort(views, [](memref::ViewOp a, memref::ViewOp b) {
    return a->isBeforeInBlock(b);
  });
  for (memref::ViewOp view : views) {
    Value place = view.getByteShift();
    const std::optional<int64_t> constant = getConstantIntValue(place);
    if (!constant) {
      continue;
    }
    view.getByteShiftMutable().assign(body.addArgument(index, view.getLoc()));
    opened.places.push_back(*constant);
    if (isOpTriviallyDead(place.getDefiningOp())) {
      place.getDefiningOp()->erase();
    }
  }
  setType(function);
  return opened;
}

/// The places as constants again.
void closePlaces(const Opened &opened) {
  func::FuncOp function = opened.function;
  Block &body = function.front();
  const unsigned first =
      body.getNumArguments() - static_cast<unsigned>(opened.places.size());
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  for (auto [i, place] : llvm::enumerate(opened.places)) {
    body.getArgument(first + static_cast<unsigned>(i))
        .replaceAllUsesWith(
            arith::ConstantIndexOp::create(b, function.getLoc(), place));
  }
  body.eraseArguments(first, body.getNumArguments() - first);
  setType(function);
}

/// The body becomes a call of `shared` with the places of `opened`.
void callInstead(const Opened &opened, func::FuncOp shared) {
  func::FuncOp function = opened.function;
  SmallVector<mlir::Type> types(function.getArgumentTypes());
  types.truncate(types.size() - opened.places.size());
  function.getBody().getBlocks().clear();
  function.setFunctionType(FunctionType::get(function.getContext(), types, {}));
  Block *body = function.addEntryBlock();
  OpBuilder b = OpBuilder::atBlockBegin(body);
  const Location loc = function.getLoc();
  SmallVector<Value> operands(body->getArguments());
  for (int64_t place : opened.places) {
    operands.push_back(arith::ConstantIndexOp::create(b, loc, place));
  }
  func::CallOp::create(b, loc, shared, operands);
  func::ReturnOp::create(b, loc);
}

} // namespace

void lpgen::sharePhases(ArrayRef<PhaseFunction> phases) {
  llvm::StringMap<size_t> known;
  SmallVector<SmallVector<Opened>> groups; // of equal ones
  for (const PhaseFunction &phase : phases) {
    Opened opened = phase.workspace
                        ? openPlaces(phase.function, phase.workspace)
                        : Opened{phase.function, {}};
    auto [entry, isNew] =
        known.try_emplace(textOf(phase.function), groups.size());
    if (isNew) {
      groups.emplace_back();
    }
    groups[entry->second].push_back(std::move(opened));
  }
  for (const SmallVector<Opened> &group : groups) {
    if (group.size() == 1) {
      closePlaces(group.front());
      continue;
    }
    func::FuncOp first = group.front().function;
    OpBuilder b(first);
    auto shared = func::FuncOp::create(b, first.getLoc(),
                                       (first.getSymName() + ".shared").str(),
                                       first.getFunctionType());
    shared.getBody().takeBody(first.getBody());
    for (const Opened &opened : group) {
      callInstead(opened, shared);
    }
  }
}

void lpgen::sharePackers(ModuleOp module) {
  llvm::StringMap<FlatSymbolRefAttr> known;
  for (lp::KernelOp kernel : module.getOps<lp::KernelOp>()) {
    SmallVector<Attribute> buffers;
    for (lp::BufferAttr buffer : kernel.bufferList()) {
      lp::PackedBufferAttr packed = buffer.getPacked();
      auto packer =
          packed
              ? module.lookupSymbol<func::FuncOp>(packed.getPacker().getAttr())
              : func::FuncOp();
      if (packer) {
        FlatSymbolRefAttr name =
            known.try_emplace(textOf(packer), packed.getPacker()).first->second;
        if (name != packed.getPacker()) {
          buffer = buffer.packedAs(
              lp::PackedBufferAttr::get(kernel.getContext(), packed.getBytes(),
                                        packed.getLayout(), name));
          packer.erase();
        }
      }
      buffers.push_back(buffer);
    }
    kernel.setBuffersAttr(ArrayAttr::get(kernel.getContext(), buffers));
  }
}
