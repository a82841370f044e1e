// LLVM's machine code analyzer as a library. See Mca.h.
#include "compiler/codegen/Mca.h"
#include "compiler/codegen/Object.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCParser/MCAsmParser.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/MCA/Context.h"
#include "llvm/MCA/CustomBehaviour.h"
#include "llvm/MCA/InstrBuilder.h"
#include "llvm/MCA/Pipeline.h"
#include "llvm/MCA/SourceMgr.h"
#include "llvm/MCA/Support.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace lpgen;

namespace {

constexpr unsigned kIterations = 200;

/// Keeps every parsed instruction.
struct Collector : MCStreamer {
  std::vector<MCInst> instructions;
  explicit Collector(MCContext &context) : MCStreamer(context) {}
  bool emitSymbolAttribute(MCSymbol * /*symbol*/,
                           MCSymbolAttr /*attribute*/) override {
    return true;
  }
  void emitCommonSymbol(MCSymbol * /*symbol*/, uint64_t /*size*/,
                        Align /*alignment*/) override {}
  void emitInstruction(const MCInst &instruction,
                       const MCSubtargetInfo & /*info*/) override {
    instructions.push_back(instruction);
  }
};

/// The tables of one CPU.
struct Machine {
  Triple triple;
  const llvm::Target *target = nullptr;
  MCTargetOptions options;
  std::unique_ptr<MCRegisterInfo> registers;
  std::unique_ptr<MCAsmInfo> assembler;
  std::unique_ptr<MCSubtargetInfo> subtarget;
  std::unique_ptr<MCInstrInfo> instructions;
  std::unique_ptr<MCInstrAnalysis> analysis;
};

Expected<Machine> createMcMachine(StringRef triple, StringRef cpu,
                                  StringRef features) {
  initializeLlvmTargets();
  Machine m;
  m.triple = Triple(triple);
  std::string message;
  m.target = TargetRegistry::lookupTarget(m.triple, message);
  if (!m.target) {
    return createStringError(message);
  }
  m.registers.reset(m.target->createMCRegInfo(m.triple));
  m.assembler.reset(
      m.target->createMCAsmInfo(*m.registers, m.triple, m.options));
  m.subtarget.reset(m.target->createMCSubtargetInfo(m.triple, "", ""));
  if (!m.subtarget->isCPUStringValid(cpu)) {
    return createStringError("LLVM knows no CPU '" + cpu + "' for " + triple);
  }
  m.subtarget.reset(m.target->createMCSubtargetInfo(m.triple, cpu, features));
  m.instructions.reset(m.target->createMCInstrInfo());
  m.analysis.reset(m.target->createMCInstrAnalysis(m.instructions.get()));
  if (!m.subtarget->getSchedModel().hasInstrSchedModel()) {
    return createStringError("LLVM has no scheduling model for " + cpu);
  }
  return std::move(m);
}

Expected<std::vector<MCInst>> parse(Machine &m, const std::string &text) {
  SourceMgr sources;
  sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(text), SMLoc());
  MCContext context(m.triple, m.assembler.get(), m.registers.get(),
                    m.subtarget.get(), &sources);
  std::unique_ptr<MCObjectFileInfo> file(
      m.target->createMCObjectFileInfo(context, /*PIC=*/false));
  context.setObjectFileInfo(file.get());
  Collector collector(context);
  m.target->createNullTargetStreamer(collector); // owned by the collector
  std::unique_ptr<MCAsmParser> parser(
      createMCAsmParser(sources, context, collector, *m.assembler));
  std::unique_ptr<MCTargetAsmParser> targetParser(m.target->createMCAsmParser(
      *m.subtarget, *parser, *m.instructions, m.options));
  parser->setTargetParser(*targetParser);
  if (parser->Run(/*NoInitialTextSection=*/false)) {
    return createStringError("the loop's assembly did not parse");
  }
  return collector.instructions;
}

/// The bound by resources: what the busiest unit needs for one iteration.
double resourceBound(const MCSchedModel &model,
                     ArrayRef<std::unique_ptr<mca::Instruction>> sequence) {
  unsigned micros = 0;
  SmallVector<uint64_t> masks(model.getNumProcResourceKinds());
  mca::computeProcResourceMasks(model, masks);
  SmallVector<unsigned> usage(model.getNumProcResourceKinds());
  for (const auto &instruction : sequence) {
    micros += instruction->getDesc().NumMicroOps;
    for (const auto &resource : instruction->getDesc().Resources) {
      for (auto [mask, used] : zip_equal(masks, usage)) {
        if (mask == resource.first) {
          used += resource.second.size();
        }
      }
    }
  }
  return mca::computeBlockRThroughput(model, model.IssueWidth, micros, usage);
}

} // namespace

Error lpgen::checkModel(StringRef triple, StringRef cpu, StringRef features) {
  return createMcMachine(triple, cpu, features).takeError();
}

Expected<McaResult> lpgen::analyzeLoop(StringRef triple, StringRef cpu,
                                       StringRef features,
                                       const std::string &text) {
  Expected<Machine> machine = createMcMachine(triple, cpu, features);
  if (!machine) {
    return machine.takeError();
  }
  Expected<std::vector<MCInst>> parsed = parse(*machine, text);
  if (!parsed) {
    return parsed.takeError();
  }
  mca::InstrumentManager instruments(*machine->subtarget,
                                     *machine->instructions);
  mca::InstrBuilder builder(*machine->subtarget, *machine->instructions,
                            *machine->registers, machine->analysis.get(),
                            instruments, /*CallLatency=*/100);
  std::vector<std::unique_ptr<mca::Instruction>> sequence;
  for (const MCInst &instruction : *parsed) {
    auto created = builder.createInstruction(instruction, {});
    if (!created) {
      return created.takeError();
    }
    sequence.push_back(std::move(*created));
  }
  mca::CircularSourceMgr source(sequence, kIterations);
  mca::Context context(*machine->registers, *machine->subtarget);
  mca::CustomBehaviour behaviour(*machine->subtarget, source,
                                 *machine->instructions);
  mca::PipelineOptions options(0, 0, 0, 0, 0, 0, /*NoAlias=*/true);
  const MCSchedModel &model = machine->subtarget->getSchedModel();
  auto pipeline =
      model.isOutOfOrder()
          ? context.createDefaultPipeline(options, source, behaviour)
          : context.createInOrderPipeline(options, source, behaviour);
  Expected<unsigned> cycles = pipeline->run();
  if (!cycles) {
    return cycles.takeError();
  }
  return McaResult{static_cast<double>(*cycles) / kIterations,
                   resourceBound(model, sequence),
                   static_cast<unsigned>(sequence.size())};
}

unsigned lpgen::countInstruction(StringRef loop, StringRef instruction) {
  unsigned count = 0;
  while (!loop.empty()) {
    auto [line, rest] = loop.split('\n');
    line = line.trim();
    line.consume_front("{vex}"); // asks the assembler for an encoding
    count += line.ltrim().starts_with(instruction);
    loop = rest;
  }
  return count;
}

StringRef lpgen::lastPhaseWith(StringRef assembly, StringRef instruction) {
  StringRef found;
  const char *begin = nullptr; // of the phase that is read
  auto endPhase = [&](const char *end) {
    StringRef text(begin, begin ? end - begin : 0);
    if (countInstruction(text, instruction) > 0) {
      found = text;
    }
    begin = nullptr;
  };
  for (StringRef rest = assembly; !rest.empty();) {
    auto [line, behind] = rest.split('\n');
    rest = behind;
    bool isFunction =
        !line.empty() && (isAlnum(line.front()) || line.front() == '_');
    if (isFunction && line.contains(':')) {
      endPhase(line.begin());
      if (line.split(':').first.contains(".phase")) {
        begin = line.begin();
      }
    }
  }
  endPhase(assembly.end());
  return found;
}

std::string lpgen::findHotLoop(StringRef assembly, StringRef instruction) {
  assembly = lastPhaseWith(assembly, instruction);
  std::string best;
  unsigned most = 0;
  StringRef label;
  std::string body;
  while (!assembly.empty()) {
    auto [raw, rest] = assembly.split('\n');
    assembly = rest;
    // Comments: `//` on Arm, `# ` on x86, where a number sign alone is an
    // immediate.
    StringRef line = raw.split("//").first.split("# ").first.trim();
    if (line.ends_with(":")) {
      label = line.drop_back();
      body.clear();
      continue;
    }
    if (line.empty() || line.starts_with(".")) {
      continue;
    }
    // A branch back to the block's own label closes a loop of one block.
    bool isBranch = line.starts_with("j") || line.starts_with("b") ||
                    line.starts_with("cb") || line.starts_with("tb");
    if (isBranch && !label.empty() && line.ends_with(label)) {
      unsigned count = countInstruction(body, instruction);
      if (count > most) {
        most = count;
        best = body;
      }
      body.clear();
      label = {};
      continue;
    }
    body += line.str() + "\n";
  }
  return best;
}
