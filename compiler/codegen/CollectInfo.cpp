// Kernel information from the tiled and the scheduled IR. See CollectInfo.h.
#include "compiler/codegen/CollectInfo.h"
#include "compiler/passes/Passes.h"
#include "ir/analysis/Chains.h"
#include "schedules/Schedules.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace lpgen;

/// Version of layouts and code generation; part of every kernel's identity.
static constexpr llvm::StringLiteral kCompilerVersion = "lpgen 0.1";

std::vector<ContractInfo> lpgen::collectContracts(ModuleOp module) {
  std::vector<ContractInfo> contracts;
  module.walk([&](lp::ContractOp op) {
    ContractInfo info;
    info.label = op.getLabel().value_or("").str();
    info.x = lp::toElementType(op.getXElement()).str();
    info.w = lp::toElementType(op.getWElement()).str();
    info.accumulator = lp::toElementType(op.accumulatorType()).str();
    info.schedule = scheduleText(*op.getSchedule());
    info.templateName = op.getSchedule()->getTemplateName().str();
    const Cell *cell = findCell(op, op.getSchedule()->getCell());
    info.layout =
        cell ? "k" + std::to_string(cell->facts().group) : std::string("plain");
    if (auto reason = op->getAttrOfType<StringAttr>("choice")) {
      info.reason = reason.str();
    }
    if (std::string source = describeXSource(op); !source.empty()) {
      info.reason += "; x: " + source;
    }
    contracts.push_back(std::move(info));
  });
  return contracts;
}

std::string lpgen::hashOf(ModuleOp module) {
  std::string text = kCompilerVersion.str();
  llvm::raw_string_ostream(text) << module;
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return llvm::toHex(digest, /*LowerCase=*/true);
}

KernelInfo lpgen::collectInfo(ModuleOp module) {
  KernelInfo info;
  func::FuncOp kernel;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function->hasAttr("lp.kernel")) {
      kernel = function;
    }
  }
  info.op = kernel.getName().str();
  info.target =
      module->getAttrOfType<lp::TargetAttr>("lp.target").getName().str();
  info.scratchBytes = kernel->getAttrOfType<IntegerAttr>("lp.scratch").getInt();
  for (unsigned i = 0; i < kernel.getNumArguments(); ++i) {
    auto name = kernel.getArgAttrOfType<StringAttr>(i, "lp.name");
    if (auto bound = kernel.getArgAttrOfType<IntegerAttr>(i, "lp.bound")) {
      info.sizes.push_back({name.str(), bound.getInt()});
      continue;
    }
    auto type = cast<MemRefType>(kernel.getArgumentTypes()[i]);
    if (kernel.getArgAttr(i, "lp.workspace")) {
      info.workspaceBytes = type.getNumElements();
      continue;
    }
    BufferInfo buffer;
    buffer.name = name.str();
    buffer.type = lp::toElementType(
        kernel.getArgAttrOfType<mlir::TypeAttr>(i, "lp.element").getValue());
    buffer.isOutput = kernel.getArgAttr(i, "lp.output") != nullptr;
    if (auto logical =
            kernel.getArgAttrOfType<mlir::TypeAttr>(i, "lp.logical")) {
      buffer.packedBytes = type.getNumElements();
      type = cast<MemRefType>(logical.getValue());
    }
    auto symbols = kernel.getArgAttrOfType<DenseI64ArrayAttr>(i, "lp.symbols");
    for (auto [extent, symbol] :
         llvm::zip_equal(type.getShape(), symbols.asArrayRef())) {
      buffer.shape.push_back(symbol < 0 ? extent : info.sizes[symbol].bound);
      buffer.symbols.push_back(symbol);
    }
    info.buffers.push_back(std::move(buffer));
  }
  int64_t phases = kernel->getAttrOfType<IntegerAttr>("lp.phases").getInt();
  for (int64_t phase = 0; phase < phases; ++phase) {
    auto function = module.lookupSymbol<func::FuncOp>(
        (kernel.getName() + ".phase" + Twine(phase)).str());
    info.phases.push_back(
        function->getAttrOfType<StringAttr>("lp.phase").str());
  }
  return info;
}

void lpgen::storeInfo(ModuleOp module, const KernelInfo &info) {
  std::string text;
  llvm::raw_string_ostream(text) << info.toJson();
  module->setAttr("lp.info", StringAttr::get(module.getContext(), text));
}

std::optional<KernelInfo> lpgen::loadInfo(ModuleOp module) {
  auto text = module->getAttrOfType<StringAttr>("lp.info");
  if (!text) {
    return std::nullopt;
  }
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(text.getValue());
  if (!json) {
    llvm::consumeError(json.takeError());
    return std::nullopt;
  }
  return KernelInfo::fromJson(*json);
}
