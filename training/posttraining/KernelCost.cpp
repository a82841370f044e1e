// The operators go to a folder that the compiler reads.
#include "training/posttraining/KernelCost.h"
#include "base/system/OutputFiles.h"
#include "base/system/ScratchFolder.h"
#include "base/system/Subprocess.h"
#include "base/tensor/SafetensorsWriter.h"
#include "networks/NetworkText.h"
#include "training/export/TrainedNetwork.h"
#include <nlohmann/json.hpp>

namespace lpgen::posttraining {

static Status writeOperators(const networks::Network &network,
                             const std::string &folder) {
  std::vector<NamedTensor> tensors;
  for (const networks::StoredConstant &constant :
       networks::constantsOf(network)) {
    tensors.push_back({constant.name, constant.values});
  }
  OutputFiles files;
  files.addIn(folder, "net.lp", networks::networkText(network, "Quantized"));
  addSafetensors(files, folder, "net.safetensors", tensors);
  return files.commit();
}

/// What a command of lpgen prints as JSON of the operators of the run's network
/// as it is now: its "ops", one operator.
static Result<nlohmann::json> ask(const networks::Network &network,
                                  const CompilerOptions &compiler,
                                  const std::string &target,
                                  const std::string &command,
                                  const std::vector<std::string> &options) {
  const Result<ScratchFolder> folder = ScratchFolder::make("lpgen-quantize");
  LPGEN_RETURN_IF_ERROR(folder.status());
  LPGEN_RETURN_IF_ERROR(writeOperators(network, folder->path()));
  const Result<std::string> program = compilerProgram(compiler);
  LPGEN_RETURN_IF_ERROR(program.status());
  std::vector<std::string> arguments = {
      *program,   command, folder->path() + "/net.lp", "--op", "net",
      "--target", target};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Result<ProgramOutcome> outcome =
      runProgram(arguments, ProgramKind::Question);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  nlohmann::json said =
      nlohmann::json::parse(outcome->messages, nullptr, false);
  if (outcome->exitStatus != 0 || !said.contains("ops") ||
      said["ops"].empty()) {
    return Status::error("'" + *program + " " + command + " --target " +
                         target + "' fails on the quantized network, status " +
                         std::to_string(outcome->exitStatus));
  }
  return said["ops"][0];
}

Result<double> expectedCycles(train::StoredRun &run,
                              const CompilerOptions &compiler,
                              const std::string &target) {
  const Result<networks::Network> network = train::trainedNetwork(run);
  LPGEN_RETURN_IF_ERROR(network.status());
  const Result<nlohmann::json> op =
      ask(*network, compiler, target, "explain", {"--json"});
  LPGEN_RETURN_IF_ERROR(op.status());
  if (!(*op)["cycles"].is_number()) {
    return Status::error("no cycles are known for target '" + target + "'");
  }
  return (*op)["cycles"].get<double>() / double(network->imagesPerCall);
}

Result<double> measuredMicroseconds(train::StoredRun &run,
                                    const CompilerOptions &compiler,
                                    const std::string &target) {
  const Result<networks::Network> network = train::trainedNetwork(run);
  LPGEN_RETURN_IF_ERROR(network.status());
  const Result<nlohmann::json> op = ask(*network, compiler, target, "bench",
                                        {"--min-time", "1", "--json", "-"});
  LPGEN_RETURN_IF_ERROR(op.status());
  return 1e3 * (*op)["withPacking"]["minMs"].get<double>() /
         double(network->imagesPerCall);
}

Result<Widths> widthsUnderCycles(PostTraining &quantizer, double cycles,
                                 int ends, const CompilerOptions &compiler,
                                 const std::string &target) {
  Widths best;
  double expected = 0;
  // Bits in quarters; those of `fitting` fit, those of `beyond` do not. The
  // ends first: they often answer.
  int fitting = 7;
  int beyond = 33;
  for (int quarters = 8; beyond - fitting > 1;
       quarters = fitting == 8 && beyond == 33 ? 32 : (fitting + beyond) / 2) {
    Result<Widths> widths =
        quantizer.widthsUnder({quarters / 4.0, Budget::Unit::Bits}, ends);
    LPGEN_RETURN_IF_ERROR(widths.status());
    LPGEN_RETURN_IF_ERROR(quantizer.quantize(*widths));
    const Result<double> found =
        expectedCycles(quantizer.network().run(), compiler, target);
    LPGEN_RETURN_IF_ERROR(found.status());
    expected = *found;
    if (expected <= cycles) {
      fitting = quarters;
      best = std::move(*widths);
    } else {
      beyond = quarters;
    }
  }
  return best.empty() ? Status::error(
                            "the budget of " + std::to_string(int64_t(cycles)) +
                            " cycles of an image is less than the " +
                            std::to_string(int64_t(expected)) +
                            " that 2 bits take; remedy: a greater --budget")
                      : Result<Widths>(std::move(best));
}

} // namespace lpgen::posttraining
