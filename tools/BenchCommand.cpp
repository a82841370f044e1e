// `lpgen bench`: compiles operators to shared objects and has lpgen-bench
// measure them beside other implementations.
//
// The measuring program is one of its own: it has no LLVM in it, as the
// programs that use kernels have not, and it is where the baselines' libraries
// are.
#include "base/abi/lp_kernel.h"
#include "base/system/OutputFiles.h"
#include "base/system/Subprocess.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "tools/OptionChecks.h"
#include "workbench/bench/BenchEstimates.h"
#include "workbench/bench/BenchJob.h"
#include "workbench/run/Linker.h"
#include "workbench/run/TemporaryFile.h"
#include "workbench/run/TensorFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
struct BenchCommandOptions {
  OpFileOptions file;
  std::vector<std::string> schedules; ///< Measured in turn; none: the chosen.
  std::vector<std::string> sizes;
  int threads = 1;
  int repetitions = 15;
  double minSeconds = 0.5;
  bool fromMemory = false;
  std::string json;
  std::string exportFolder; ///< Write the job there instead of measuring.
};

/// Everything that lpgen-bench needs; the shared objects live as long as it.
struct PreparedJob {
  std::vector<BenchKernel> kernels;
  std::vector<TemporaryFile> libraries;
  OutputFiles exported;
};
} // namespace

/// A size for each of the operator's run-time sizes: as given, else the bound.
static Result<std::vector<int64_t>>
chooseSizes(const ast::Op &op, const std::map<std::string, int64_t> &given) {
  std::vector<int64_t> sizes;
  const std::vector<bool> isStride = op.strideSymbols();
  for (const ast::Symbol &symbol : op.symbols) {
    const auto found = given.find(symbol.name);
    const int64_t bound = isStride[sizes.size()] ? -1 : symbol.bound;
    const int64_t size = found == given.end() ? bound : found->second;
    if (size > symbol.bound) {
      return Status::error("--size " + symbol.name + "=" +
                           std::to_string(size) + ": operator '" + op.name +
                           "' bounds ?" + symbol.name + " by " +
                           std::to_string(symbol.bound));
    }
    sizes.push_back(size);
  }
  sizes = op.withStrides(std::move(sizes));
  const std::string fault = op.whyNotStrides(sizes);
  return fault.empty() ? Result(sizes) : Status::error("--size: " + fault);
}

/// Every --size must be one of some chosen operator.
static Status checkSizeNames(const OpFile &file,
                             const std::map<std::string, int64_t> &given) {
  for (const auto &[name, value] : given) {
    const bool isKnown = llvm::any_of(file.ops(), [&](const ast::Op *op) {
      return llvm::any_of(op->symbols, [&](const ast::Symbol &symbol) {
        return symbol.name == name;
      });
    });
    if (!isKnown) {
      std::string message = "--size " + name;
      message += ": no chosen operator has a run-time size ?" + name;
      return Status::error(std::move(message));
    }
  }
  return Status::success();
}

/// Links the object and describes it in `kernels`, of the job.
static Status addKernel(const ast::Op &op, const CompiledNetwork &network,
                        llvm::ArrayRef<int64_t> sizes, PreparedJob &job,
                        std::vector<BenchKernel> &kernels) {
  const Result<TemporaryFile> object =
      TemporaryFile::create("o", network.compiled.object);
  LPGEN_RETURN_IF_ERROR(object.status());
  Result<TemporaryFile> library = TemporaryFile::create("so");
  LPGEN_RETURN_IF_ERROR(library.status());
  LPGEN_RETURN_IF_ERROR(
      linkObjects(LinkKind::SharedObject, {object->path()}, library->path()));
  kernels.push_back(describeKernel(op, network, library->path(), {}, sizes));
  job.libraries.push_back(std::move(*library));
  return Status::success();
}

/// Writes the object beside the job that describes it, with what MCA says.
static void exportKernel(const BenchCommandOptions &options, OpFile &file,
                         const ast::Op &op, const CompiledNetwork &network,
                         llvm::ArrayRef<int64_t> sizes, PreparedJob &job) {
  job.exported.addIn(options.exportFolder, op.name + ".o",
                     network.compiled.object);
  job.kernels.push_back(describeKernel(
      op, network, "",
      estimateLoops(network.scheduledIr, network.compiled, file.target()),
      sizes));
}

/// Baselines keep to the vector instructions of the target.
static std::string baselineIsa(const TargetDesc &target) {
  const bool isAvx2 = (target.cpuFeatures & LP_CPU_AVX2) != 0 &&
                      (target.cpuFeatures & LP_CPU_AVX512F) == 0;
  return isAvx2 ? "avx2" : "";
}

/// The path of lpgen-bench, which stands beside this program.
static Result<std::string> findBenchProgram() {
  static int anchor; // Some address in this program.
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "lpgen-bench");
  if (!llvm::sys::fs::can_execute(path)) {
    return Status::error("there is no program '" + std::string(path) +
                         "', which measures; configure lpgen with "
                         "-DLPGEN_BUILD_BENCH=ON");
  }
  return std::string(path);
}

static std::string textOf(const BenchCommandOptions &options,
                          const TargetDesc &target, PreparedJob &prepared) {
  BenchJob job;
  job.target = target.name;
  job.hostCpu = options.exportFolder.empty() ? llvm::sys::getHostCPUName().str()
                                             : std::string(target.cpu);
  job.baselineIsa = baselineIsa(target);
  job.threads = options.threads;
  job.repetitions = options.repetitions;
  job.minSeconds = options.minSeconds;
  job.fromMemory = options.fromMemory;
  job.kernels = std::move(prepared.kernels);
  return jobText(job);
}

static Result<int> runBenchProgram(const BenchCommandOptions &options,
                                   const TargetDesc &target, PreparedJob &job) {
  const Result<std::string> program = findBenchProgram();
  LPGEN_RETURN_IF_ERROR(program.status());
  const Result<TemporaryFile> jobFile =
      TemporaryFile::create("json", textOf(options, target, job));
  LPGEN_RETURN_IF_ERROR(jobFile.status());
  std::vector<std::string> arguments = {*program, jobFile->path()};
  if (!options.json.empty()) {
    arguments.insert(arguments.end(), {"--json", options.json});
  }
  llvm::outs().flush();
  const Result<ProgramOutcome> outcome =
      runProgram(arguments, ProgramKind::Stand);
  LPGEN_RETURN_IF_ERROR(outcome.status());
  return outcome->exitStatus;
}

/// The kernels of `op` with the schedules behind the first.
static int addOthers(const BenchCommandOptions &options, OpFile &file,
                     const ast::Op &op, llvm::ArrayRef<int64_t> sizes,
                     PreparedJob &job) {
  std::vector<BenchKernel> others;
  for (const std::string &schedule :
       llvm::ArrayRef(options.schedules).drop_front()) {
    int exitCode = ExitSuccess;
    file.compileOptions.schedule = schedule;
    std::optional<CompiledOp> compiled = file.compile(op, exitCode);
    if (!compiled) {
      return exitCode;
    }
    const CompiledNetwork network = compileStages(
        op, std::move(*compiled), file.sources(), file.compileOptions);
    if (const Status added = addKernel(op, network, sizes, job, others);
        !added.ok()) {
      return reportError(added.message());
    }
  }
  job.kernels.back().others = std::move(others);
  file.compileOptions.schedule = options.schedules.front();
  return ExitSuccess;
}

static int runBench(BenchCommandOptions options) {
  int exitCode = ExitSuccess;
  if (!options.schedules.empty()) {
    options.file.schedule = options.schedules.front();
  }
  if (options.schedules.size() > 1 && !options.exportFolder.empty()) {
    return reportError("--export takes one --schedule, found " +
                           std::to_string(options.schedules.size()),
                       ExitUsage);
  }
  const std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  if (!file) {
    return exitCode;
  }
  const TargetDesc &target = file->target().desc();
  const bool isExport = !options.exportFolder.empty();
  if (!isExport && !hostRuns(target)) {
    return reportError("this CPU does not run kernels of target '" +
                       target.name +
                       "', so they cannot be measured here; run lpgen bench "
                       "on such a machine, let bench/build-arm make a program "
                       "for it, or see 'lpgen explain' for an estimate");
  }
  const Result<std::map<std::string, int64_t>> given =
      parseSizes(options.sizes);
  if (!given.ok()) {
    return reportError(given.message(), ExitUsage);
  }
  if (const Status known = checkSizeNames(*file, *given); !known.ok()) {
    return reportError(known.message(), ExitUsage);
  }
  file->compileOptions.wantsAssembly = isExport && hasEstimates(file->target());
  PreparedJob job;
  for (const ast::Op *op : file->ops()) {
    const Result<std::vector<int64_t>> sizes = chooseSizes(*op, *given);
    if (!sizes.ok()) {
      return reportError(sizes.message(), ExitUsage);
    }
    std::optional<CompiledOp> compiled = file->compile(*op, exitCode);
    if (!compiled) {
      return exitCode;
    }
    const CompiledNetwork network = compileStages(
        *op, std::move(*compiled), file->sources(), file->compileOptions);
    if (isExport) {
      exportKernel(options, *file, *op, network, *sizes, job);
      continue;
    }
    if (const Status added = addKernel(*op, network, *sizes, job, job.kernels);
        !added.ok()) {
      return reportError(added.message());
    }
    if (options.schedules.size() > 1) {
      if (const int code = addOthers(options, *file, *op, *sizes, job);
          code != ExitSuccess) {
        return code;
      }
    }
  }
  if (isExport) {
    job.exported.addIn(options.exportFolder, "job.json",
                       textOf(options, target, job));
    const Status written = job.exported.commit();
    return written.ok() ? ExitSuccess : reportError(written.message());
  }
  const Result<int> status = runBenchProgram(options, target, job);
  return status.ok() ? *status : reportError(status.message());
}

void addBenchCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "bench", "Measure generated kernels beside other implementations, and "
               "the layers of networks");
  const auto options = std::make_shared<BenchCommandOptions>();
  addOpFileOptions(*command, options->file);
  command->remove_option(command->get_option("--schedule"));
  command
      ->add_option("--schedule", options->schedules,
                   "Schedule for every contraction, e.g. "
                   "'bitserial<tile=[4,2]>'; several are measured in turn")
      ->allow_extra_args(false);
  command
      ->add_option("--size", options->sizes,
                   "NAME=VALUE: a run-time size; its declared bound if not "
                   "given")
      ->allow_extra_args(false);
  command
      ->add_option("--threads", options->threads,
                   "Threads, for kernels and baselines")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--repetitions", options->repetitions,
                   "Least number of turns of each implementation")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--min-time", options->minSeconds,
                   "Least number of seconds for each operator")
      ->check(isNumber(0, 3600))
      ->capture_default_str();
  command->add_flag("--from-memory", options->fromMemory,
                    "Measure also with packed inputs that are in no cache, "
                    "beside a plain read of the same bytes");
  command
      ->add_option("--json", options->json,
                   "FILE: write the results as JSON as well; '-' prints "
                   "them instead of the table")
      ->check(isPath());
  command
      ->add_option("--export", options->exportFolder,
                   "FOLDER: write objects and job.json for a program that "
                   "measures elsewhere (bench/build-arm), and measure "
                   "nothing")
      ->check(isPath());
  command->footer("Example:\n  lpgen bench examples/conv3x3_w2a2.lp -D C=64 "
                  "-D O=64\n  compares the kernel with the "
                  "convolutions of other libraries, an int16 kernel and plain "
                  "C++.");
  command->callback([options, &exitCode] { exitCode = runBench(*options); });
}

} // namespace lpgen
