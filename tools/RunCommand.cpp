// `lpgen run`: compiles one operator and runs its kernel on .npy files of
// logical values.
#include "base/system/OutputFiles.h"
#include "base/tensor/Npy.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/run/TensorFiles.h"
#include "workbench/verify/OpJob.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
struct RunCommandOptions {
  OpFileOptions file;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

/// Which file each tensor is in.
struct Bindings {
  TensorPaths inputs;
  TensorPaths outputs;
};
} // namespace

static Result<Bindings> bind(const ast::Op &op,
                             const RunCommandOptions &options) {
  Result<TensorPaths> inputs =
      bindTensorPaths(op, ast::Role::Input, options.inputs, "--input");
  LPGEN_RETURN_IF_ERROR(inputs.status());
  for (unsigned id = 0; id < op.numInputs(); ++id) {
    if (!inputs->contains(id)) {
      const std::string &name = op.tensors[id].name;
      std::string message = "no file for input '" + name;
      message += "' of operator '" + op.name + "'; give --input ";
      return Status::error(message + name + "=FILE.npy");
    }
  }
  Result<TensorPaths> outputs =
      bindTensorPaths(op, ast::Role::Output, options.outputs, "--output");
  LPGEN_RETURN_IF_ERROR(outputs.status());
  return Bindings{std::move(*inputs), std::move(*outputs)};
}

/// Writes the outputs that were asked for and says so.
static Status writeOutputs(const ast::Op &op, const TensorPaths &paths,
                           const JobResult &result) {
  OutputFiles files;
  for (const auto &[id, path] : paths) {
    const HostTensor &values = result.outputs[id - op.numInputs()];
    files.add(path, npyHeader(values), {npyElements(values)});
  }
  LPGEN_RETURN_IF_ERROR(files.commit());
  for (const auto &[id, path] : paths) {
    const HostTensor &values = result.outputs[id - op.numInputs()];
    llvm::outs() << "wrote " << op.tensors[id].name << ": "
                 << values.type().str() << shapeToString(values.shape())
                 << " to " << path << "\n";
  }
  return Status::success();
}

static Status execute(const ast::Op &op, const Bindings &bindings,
                      const LoadedInputs &inputs, const CompiledOp &compiled,
                      const TargetDesc &target) {
  const Result<KernelProgram> program =
      KernelProgram::link({llvm::StringRef(compiled.object)}, target);
  LPGEN_RETURN_IF_ERROR(program.status());
  const Job job = makeJob(op, compiled.symbol, inputs.sizes, inputs.tensors);
  const Result<std::vector<JobResult>> results = program->runJobs(job);
  LPGEN_RETURN_IF_ERROR(results.status());
  llvm::outs() << op.name << ": ran kernel " << results->front().symbol
               << (program->isEmulated() ? " under " + target.emulator : "")
               << "\n";
  return writeOutputs(op, bindings.outputs, results->front());
}

static int runRun(const RunCommandOptions &options) {
  int exitCode = ExitSuccess;
  const std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  const ast::Op *op = file ? file->singleOp(exitCode) : nullptr;
  if (!op) {
    return exitCode;
  }
  const Result<Bindings> bindings = bind(*op, options);
  if (!bindings.ok()) {
    return reportError(bindings.message(), ExitUsage);
  }
  // Bad data is found before time goes into compiling.
  const Result<LoadedInputs> inputs = loadInputs(*op, bindings->inputs);
  if (!inputs.ok()) {
    return reportError(inputs.message());
  }
  const std::optional<CompiledOp> compiled = file->compile(*op, exitCode);
  if (!compiled) {
    return exitCode;
  }
  const Status status =
      execute(*op, *bindings, *inputs, *compiled, file->target().desc());
  return status.ok() ? ExitSuccess : reportError(status.message());
}

void addRunCommand(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand(
      "run", "Run the generated kernel of one operator on .npy files");
  const auto options = std::make_shared<RunCommandOptions>();
  addOpFileOptions(*command, options->file);
  command
      ->add_option("--input", options->inputs,
                   "NAME=FILE.npy: values of an input, one per element; "
                   "run-time sizes follow from the shapes")
      ->allow_extra_args(false);
  command
      ->add_option("--output", options->outputs,
                   "NAME=FILE.npy: where to write an output")
      ->allow_extra_args(false)
      ->required();
  command->callback([options, &exitCode] { exitCode = runRun(*options); });
}

} // namespace lpgen
