// `lpgen run`: compiles one operator and runs its kernel on .npy files of
// logical values; or computes them by the interpreter.
#include "base/system/OutputFiles.h"
#include "base/tensor/Npy.h"
#include "operators/reference/Interpreter.h"
#include "tools/Commands.h"
#include "tools/CommonOptions.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/run/TensorFiles.h"
#include "workbench/verify/OpJob.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <CLI/CLI.hpp>

namespace lpgen {

namespace {
struct RunCommandOptions {
  OpFileOptions file;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> sizes;
  bool interprets = false;
  bool showsInterface = false;
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
                           llvm::ArrayRef<HostTensor> outputs) {
  OutputFiles files;
  for (const auto &[id, path] : paths) {
    const HostTensor &values = outputs[id - op.numInputs()];
    files.add(path, npyHeader(values), {npyElements(values)});
  }
  LPGEN_RETURN_IF_ERROR(files.commit());
  for (const auto &[id, path] : paths) {
    const HostTensor &values = outputs[id - op.numInputs()];
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
  return writeOutputs(op, bindings.outputs, results->front().outputs);
}

/// What the operator means, without a kernel.
static Status interpret(const ast::Op &op, const Bindings &bindings,
                        LoadedInputs inputs) {
  Interpreter interpreter(op, inputs.sizes);
  std::vector<HostTensor> tensors = std::move(inputs.tensors);
  LPGEN_RETURN_IF_ERROR(interpreter.run(tensors));
  llvm::outs() << op.name << ": ran the interpreter\n";
  return writeOutputs(op, bindings.outputs,
                      llvm::ArrayRef(tensors).drop_front(op.numInputs()));
}

/// Inputs and outputs in the terms of a manifest.
static llvm::json::Value interfaceOf(const ast::Op &op) {
  llvm::json::Array sizes;
  for (const ast::Symbol &symbol : op.symbols) {
    sizes.push_back(
        llvm::json::Object{{"name", symbol.name}, {"bound", symbol.bound}});
  }
  llvm::json::Array buffers;
  for (const ast::Tensor &tensor : op.tensors) {
    const bool isInput = tensor.role == ast::Role::Input;
    if (!isInput && tensor.role != ast::Role::Output) {
      continue;
    }
    llvm::json::Array shape;
    llvm::json::Array symbols;
    for (const ast::Extent &extent : tensor.shape) {
      shape.push_back(extent.size);
      symbols.push_back(
          extent.isStatic() ? -1 : static_cast<int64_t>(op.sizeNumber(extent)));
    }
    llvm::json::Object buffer{{"name", tensor.name},
                              {"type", tensor.type.str()},
                              {"shape", std::move(shape)},
                              {"sizes", std::move(symbols)},
                              {"output", !isInput}};
    if (!tensor.strides.empty()) {
      llvm::json::Array strides;
      llvm::json::Array strideSizes;
      for (const ast::Extent &stride : tensor.strides) {
        strides.push_back(stride.size);
        strideSizes.push_back(
            stride.isStatic() ? -1
                              : static_cast<int64_t>(op.sizeNumber(stride)));
      }
      buffer["strides"] = std::move(strides);
      buffer["stride_sizes"] = std::move(strideSizes);
    }
    if (isInput && !tensor.type.isFloat()) {
      buffer["range"] = llvm::json::Array{tensor.range.lo, tensor.range.hi};
    }
    buffers.push_back(std::move(buffer));
  }
  return llvm::json::Object{
      {"op", op.name},
      {"sizes", std::move(sizes)},
      {"computed_sizes", toJson(op.computedSizes, op.symbols.size())},
      {"buffers", std::move(buffers)}};
}

static int runRun(const RunCommandOptions &options) {
  int exitCode = ExitSuccess;
  const std::unique_ptr<OpFile> file = OpFile::load(options.file, exitCode);
  const ast::Op *op = file ? file->singleOp(exitCode) : nullptr;
  if (!op) {
    return exitCode;
  }
  if (options.showsInterface) {
    llvm::outs() << llvm::formatv("{0:2}\n", interfaceOf(*op));
    return ExitSuccess;
  }
  if (options.outputs.empty()) {
    return reportError("--output is required: NAME=FILE.npy for one output or "
                       "more, of those that --interface prints",
                       ExitUsage);
  }
  const Result<Bindings> bindings = bind(*op, options);
  if (!bindings.ok()) {
    return reportError(bindings.message(), ExitUsage);
  }
  const Result<GivenSizes> sizes = parseSizes(options.sizes);
  if (!sizes.ok()) {
    return reportError(sizes.message(), ExitUsage);
  }
  // Bad data is found before time goes into compiling.
  Result<LoadedInputs> inputs = loadInputs(*op, bindings->inputs, *sizes);
  if (!inputs.ok()) {
    return reportError(inputs.message());
  }
  if (options.interprets) {
    const Status status = interpret(*op, *bindings, std::move(*inputs));
    return status.ok() ? ExitSuccess : reportError(status.message());
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
      ->allow_extra_args(false);
  command
      ->add_option("--size", options->sizes,
                   "NAME=VALUE: a run-time size that no input's shape says")
      ->allow_extra_args(false);
  command->add_flag("--interpret", options->interprets,
                    "Compute by the interpreter, which defines what an "
                    "operator means, instead of a kernel; slow");
  command->add_flag("--interface", options->showsInterface,
                    "Print inputs and outputs as JSON, and run nothing");
  command->footer("Example: lpgen run gemm.lp --input x=x.npy --input w=w.npy "
                  "--output y=y.npy");
  command->callback([options, &exitCode] { exitCode = runRun(*options); });
}

} // namespace lpgen
