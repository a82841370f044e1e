// `lpgen doctor`: what this machine can do, and what is missing for the rest.
#include "base/abi/CpuFeatures.h"
#include "base/system/Table.h"
#include "runtime/kernels/KernelCache.h"
#include "runtime/kernels/KernelRunner.h"
#include "schedules/TunedFiles.h"
#include "targets/Target.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OtherPrograms.h"
#include "workbench/run/Emulator.h"
#include "workbench/run/Linker.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
/// How kernels of a target run here.
struct TargetHealth {
  const TargetDesc *target;
  const char *runs; ///< "native", "emulated" or "no".
  std::string how;  ///< The emulator, or why not.
};

/// A part of the installation.
struct Part {
  std::string name;
  bool isThere;
  std::string what; ///< Its path, or how to get it.
};
} // namespace

static TargetHealth examine(const TargetDesc &target) {
  if (hostRuns(target)) {
    return {&target, "native", ""};
  }
  const Result<std::vector<std::string>> command = commandFor(target, "");
  return command.ok() ? TargetHealth{&target, "emulated", command->front()}
                      : TargetHealth{&target, "no", command.message()};
}

static Part examineFile(const std::string &name, const std::string &path,
                        const std::string &remedy) {
  const bool isThere = llvm::sys::fs::exists(path);
  return {name, isThere, isThere ? path : remedy};
}

/// The folders where Python finds the module of the build tree, of an
/// installation, of an environment, or of `pip install --target`.
static std::vector<std::string> pythonFolders() {
  std::vector<std::string> folders = {
      besideProgram("../python"), besideProgram("../lib/python3/dist-packages"),
      besideProgram("..")};
  std::error_code error;
  for (llvm::sys::fs::directory_iterator entry(besideProgram("../lib"), error),
       end;
       !error && entry != end; entry.increment(error)) {
    if (llvm::sys::path::filename(entry->path()).starts_with("python3.")) {
      folders.push_back(entry->path() + "/site-packages");
    }
  }
  return folders;
}

static Part examinePython() {
  for (const std::string &folder : pythonFolders()) {
    if (std::string path = folder + "/lpgen/__init__.py";
        llvm::sys::fs::exists(path)) {
      return {"Python module", true, std::move(path)};
    }
  }
  return {"Python module", false,
          "configure lpgen where python3-dev, pybind11-dev and python3-numpy "
          "are installed"};
}

static std::vector<Part> examineParts() {
  std::vector<Part> parts;
  const Result<std::string> linker = findLinker();
  parts.push_back(
      {"linker", linker.ok(), linker.ok() ? *linker : linker.message()});
  const Result<std::string> cache = KernelCache::userFolder();
  parts.push_back(
      {"kernel cache", cache.ok(), cache.ok() ? *cache : cache.message()});
  for (const OtherProgram &program : otherPrograms()) {
    parts.push_back(examineFile(std::string("lpgen ") + program.command,
                                besideProgram(program.path), program.remedy));
  }
#ifndef LPGEN_HAS_ONNX
  parts.push_back({"ONNX files", false,
                   "configure lpgen with -DLPGEN_IMPORT_ONNX=ON (needs "
                   "libonnx-dev and libprotobuf-dev)"});
#endif
  parts.push_back(examineFile("lpgen bench", besideProgram("lpgen-bench"),
                              "configure lpgen with -DLPGEN_BUILD_BENCH=ON"));
  parts.push_back(examineFile(
      "layers.lp", besideProgram("../share/lpgen/operators/layers.lp"),
      "install lpgen with 'cmake --install'"));
  const std::vector<std::string> rules =
      tunedFiles(tunedCpu(*findTarget("host"), ""));
  parts.push_back({"tuned schedules", !rules.empty(),
                   rules.empty() ? "none for this CPU: the cost model chooses; "
                                   "'lpgen tune' measures better ones"
                                 : llvm::join(rules, ", ")});
  parts.push_back(examinePython());
  return parts;
}

static void printText(llvm::ArrayRef<TargetHealth> targets,
                      llvm::ArrayRef<Part> parts) {
  llvm::outs() << "CPU " << llvm::sys::getHostCPUName() << ": "
               << describeCpuFeatures(lp_cpu_features()) << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const TargetHealth &health : targets) {
    const bool isHost = health.target == &findTarget("host")->desc();
    rows.push_back({health.target->name,
                    std::string(health.runs) + (isHost ? " (host)" : ""),
                    health.how});
  }
  llvm::outs() << "Kernels of target\n" << formatTable(rows, 3) << "\n";
  rows.clear();
  for (const Part &part : parts) {
    rows.push_back({part.name, part.isThere ? "ok" : "missing", part.what});
  }
  llvm::outs() << "Parts\n" << formatTable(rows, 3);
}

static llvm::json::Value toJson(llvm::ArrayRef<TargetHealth> targets,
                                llvm::ArrayRef<Part> parts) {
  llvm::json::Array targetList;
  for (const TargetHealth &health : targets) {
    targetList.push_back(llvm::json::Object{{"name", health.target->name},
                                            {"runs", health.runs},
                                            {"how", health.how}});
  }
  llvm::json::Array partList;
  for (const Part &part : parts) {
    partList.push_back(llvm::json::Object{
        {"name", part.name}, {"found", part.isThere}, {"what", part.what}});
  }
  return llvm::json::Object{
      {"cpu", llvm::sys::getHostCPUName()},
      {"features", describeCpuFeatures(lp_cpu_features())},
      {"host", findTarget("host")->desc().name},
      {"targets", std::move(targetList)},
      {"parts", std::move(partList)}};
}

void addDoctorCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "doctor", "Say what this machine can do and how to get what is missing");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print as JSON");
  command->footer("Example: lpgen doctor");
  command->callback([json, &exitCode] {
    std::vector<TargetHealth> targets;
    for (const Target *target : allTargets()) {
      targets.push_back(examine(target->desc()));
    }
    const std::vector<Part> parts = examineParts();
    if (*json) {
      llvm::outs() << llvm::formatv("{0:2}\n", toJson(targets, parts));
    } else {
      printText(targets, parts);
    }
    exitCode = ExitSuccess;
  });
}

} // namespace lpgen
