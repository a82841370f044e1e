// Kernel information from the kernel op. See CollectInfo.h.
#include "compiler/codegen/CollectInfo.h"
#include "schedules/Schedules.h"

using namespace mlir;
using namespace lpgen;

std::vector<ContractInfo> lpgen::collectContracts(lp::KernelOp kernel) {
  std::vector<ContractInfo> contracts;
  if (!kernel.getContractions()) {
    return contracts;
  }
  for (auto c :
       kernel.getContractionsAttr().getAsRange<lp::ContractionAttr>()) {
    contracts.push_back(
        {c.getLabel().str(), lp::toElementType(c.getX()).str(),
         lp::toElementType(c.getW()).str(),
         lp::toElementType(c.getAccumulator()).str(),
         scheduleText(c.getSchedule()), c.getSchedule().getTemplateName().str(),
         c.getGroup() > 0 ? "k" + std::to_string(c.getGroup()) : "plain",
         c.getChoice().str()});
  }
  return contracts;
}

static BufferInfo describe(lp::KernelOp kernel, lp::BufferAttr buffer) {
  BufferInfo info;
  info.name = buffer.getName().str();
  info.type = lp::toElementType(buffer.getElement());
  info.isOutput = buffer.isOutput();
  const auto describeAll = [&](ArrayRef<int64_t> sizes,
                               std::vector<int64_t> &values,
                               std::vector<int64_t> &symbols) {
    for (int64_t size : sizes) {
      const int64_t symbol = size < 0 ? ~size : -1;
      symbols.push_back(symbol);
      values.push_back(
          symbol < 0
              ? size
              : cast<lp::SizeAttr>(kernel.getSizes()[symbol]).getBound());
    }
  };
  describeAll(buffer.getShape(), info.shape, info.symbols);
  describeAll(buffer.getStrides(), info.strides, info.strideSymbols);
  if (!buffer.isOutput() && !info.type.isFloat()) {
    info.range = buffer.getRange().vec();
  }
  if (lp::PackedBufferAttr packed = buffer.getPacked()) {
    info.packedBytes = packed.getBytes();
    info.packer = packed.getPacker().getValue().str();
  }
  return info;
}

FailureOr<KernelInfo> lpgen::collectInfo(lp::KernelOp kernel) {
  if (!kernel.getHash() || !kernel.getContractions()) {
    return kernel.emitOpError("has no hash and contractions, which stage "
                              "'scheduled' adds; start from an earlier stage");
  }
  if (!kernel.getPhases()) {
    return kernel.emitOpError("has no phases, which stage 'tiled' adds; start "
                              "from an earlier stage");
  }
  KernelInfo info;
  info.op = kernel.getSymName().str();
  info.target = kernel.getTarget().getName().str();
  for (lp::SizeAttr size : kernel.sizeList()) {
    if (!size.getComputed()) {
      info.sizes.push_back({size.getName().str(), size.getBound()});
    }
  }
  info.computedSizes = kernel.computedSizes();
  for (lp::BufferAttr buffer : kernel.bufferList()) {
    BufferInfo described = describe(kernel, buffer);
    if (!buffer.isConstant()) {
      info.buffers.push_back(std::move(described));
      continue;
    }
    info.constants.push_back({std::move(described), buffer.getDigest().str()});
  }
  for (auto phase : kernel.getPhasesAttr().getAsRange<lp::PhaseAttr>()) {
    info.phases.push_back(
        {"lp." + lp::stringifyPhaseKind(phase.getKind()).str(),
         phase.getRun().getValue().str(), phase.getTasks().getValue().str(),
         phase.getTakes().vec()});
  }
  info.contracts = collectContracts(kernel);
  info.scratchBytes = static_cast<int64_t>(*kernel.getScratch());
  info.workspaceBytes = static_cast<int64_t>(*kernel.getWorkspace());
  const std::string function = info.op + ".workspace";
  if (SymbolTable::lookupNearestSymbolFrom(
          kernel, StringAttr::get(kernel.getContext(), function))) {
    info.workspaceFunction = function;
  }
  info.hash = kernel.getHash()->str();
  return info;
}
