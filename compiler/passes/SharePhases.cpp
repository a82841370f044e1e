// Equal layers of a network are equal functions but for their places in the
// workspace and the constants that they are given: such functions are compiled
// once. See Phases.h.
#include "compiler/passes/Phases.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
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

/// A function whose places in the workspace are arguments behind its own.
struct Opened {
  func::FuncOp function;
  /// Computes the places, from arguments like those of the function.
  std::unique_ptr<Block> before;
  SmallVector<Value> places;
};

void setType(func::FuncOp function) {
  function.setFunctionType(FunctionType::get(
      function.getContext(), function.getBody().getArgumentTypes(), {}));
}

/// `value` of `body`, computed where `b` stands; null if it does more than
/// compute.
Value copyOf(Value value, Block &body, OpBuilder &b, IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(value)) {
    return known;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &body || !isPure(op) ||
      !llvm::all_of(op->getOperands(), [&](Value operand) {
        return bool(copyOf(operand, body, b, mapping));
      })) {
    return {};
  }
  b.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Erases what computes `value` for nobody.
void eraseUnused(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isOpTriviallyDead(op)) {
    return;
  }
  const SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands) {
    eraseUnused(operand);
  }
}

/// The views of the workspace that stand in the body itself, in its order.
SmallVector<memref::ViewOp> viewsOf(BlockArgument workspace, Block &body) {
  SmallVector<memref::ViewOp> views;
  for (Operation *user : workspace.getUsers()) {
    auto view = dyn_cast<memref::ViewOp>(user);
    if (view && view->getBlock() == &body) {
      views.push_back(view);
    }
  }
  llvm::sort(views, [](memref::ViewOp a, memref::ViewOp b) {
    return a->isBeforeInBlock(b);
  });
  return views;
}

Opened openPlaces(func::FuncOp function, BlockArgument workspace) {
  Opened opened{function, std::make_unique<Block>(), {}};
  if (!workspace) {
    return opened;
  }
  Block &body = function.getBody().front();
  IRMapping mapping;
  for (BlockArgument argument : body.getArguments()) {
    mapping.map(argument, opened.before->addArgument(argument.getType(),
                                                     argument.getLoc()));
  }
  OpBuilder b(function.getContext());
  b.setInsertionPointToEnd(opened.before.get());
  for (memref::ViewOp view : viewsOf(workspace, body)) {
    Value place = view.getByteShift();
    Value copy = copyOf(place, body, b, mapping);
    if (!copy) {
      continue;
    }
    opened.places.push_back(copy);
    view.getByteShiftMutable().assign(
        body.addArgument(place.getType(), view.getLoc()));
    eraseUnused(place);
  }
  setType(function);
  return opened;
}

/// The places where `b` stands, in a body with the arguments `arguments`.
SmallVector<Value> computePlaces(const Opened &opened, OpBuilder &b,
                                 ValueRange arguments) {
  IRMapping mapping;
  for (auto [from, to] : llvm::zip(opened.before->getArguments(), arguments)) {
    mapping.map(from, to);
  }
  for (Operation &op : *opened.before) {
    b.clone(op, mapping);
  }
  return llvm::map_to_vector(
      opened.places, [&](Value place) { return mapping.lookup(place); });
}

/// The places are computed in the function again.
void closePlaces(const Opened &opened) {
  func::FuncOp function = opened.function;
  Block &body = function.front();
  const auto count = static_cast<unsigned>(opened.places.size());
  const unsigned first = body.getNumArguments() - count;
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  for (auto [i, place] : llvm::enumerate(
           computePlaces(opened, b, body.getArguments().take_front(first)))) {
    body.getArgument(first + static_cast<unsigned>(i))
        .replaceAllUsesWith(place);
  }
  body.eraseArguments(first, count);
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
  SmallVector<Value> operands(body->getArguments());
  llvm::append_range(operands, computePlaces(opened, b, body->getArguments()));
  func::CallOp::create(b, function.getLoc(), shared, operands);
  func::ReturnOp::create(b, function.getLoc());
}

} // namespace

void lpgen::sharePhases(ArrayRef<PhaseFunction> phases) {
  llvm::StringMap<size_t> known;
  SmallVector<SmallVector<Opened>> groups; // of equal ones
  for (const PhaseFunction &phase : phases) {
    Opened opened = openPlaces(phase.function, phase.workspace);
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
