// lpgen-import: networks of other tools as operators; `lpgen import` and `lpgen
// inspect` run it. The only program that reads such files, and it has no
// compiler in it.
//
// Parses options with CLI11, hence the exceptions; everything else is in
// networks/import.
#include "base/system/AtomicFile.h"
#include "base/system/MappedFile.h"
#include "base/system/Text.h"
#include "networks/import/ExpectedKernels.h"
#include "networks/import/ImportOptions.h"
#include "networks/import/gguf/GgufImport.h"
#include "networks/import/tflite/TfliteImport.h"
#include "tools/Misspelling.h"
#include "tools/OptionChecks.h"
#include "tools/OptionTable.h"
#include "tools/Program.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#ifdef LPGEN_HAS_ONNX
#include "networks/import/onnx/Import.h"
#endif

using namespace lpgen;
using namespace lpgen::importer;

namespace {
struct Arguments {
  std::string file;
  std::string tensor; ///< Of a GGUF file.
  std::string folder; ///< To write to.
  std::vector<std::string> inputTypes;
  std::string kernels; ///< File of what the compiler says; see addKernels.
  std::string target;  ///< Whose kernels they are; lpgen reads it.
  bool json = false;
  bool isQuiet = false;
  ImportOptions options;
};
/// As the commands of lpgen have them, and one for what is not supported.
enum ExitCode { Done = 0, Failed = 1, WrongUsage = 2, Unsupported = 3 };
} // namespace

static int fail(const std::string &message, int code = Failed) {
  std::fprintf(stderr, "lpgen: error: %s\n", message.c_str());
  return code;
}

/// Reads "NAME=u8"; "" or what is wrong.
static std::string parseInputTypes(Arguments &arguments) {
  for (const std::string &each : arguments.inputTypes) {
    const auto parts = splitAssignment(each);
    const auto type = parts ? ElementType::parse(parts->second) : std::nullopt;
    if (!type) {
      return "--input-type '" + each + "': expected NAME=TYPE, as in image=u8";
    }
    arguments.options.inputTypes[parts->first] = *type;
  }
  return "";
}

#ifdef LPGEN_HAS_ONNX
static Result<Program> readOnnx(const Arguments &arguments,
                                const std::string &name,
                                std::span<const std::byte> bytes) {
  const std::string folder =
      std::filesystem::path(arguments.file).parent_path().string();
  Program program(name);
  program.report.file = std::filesystem::path(arguments.file).filename();
  LPGEN_RETURN_IF_ERROR(onnx::importModel(bytes, folder.empty() ? "." : folder,
                                          arguments.options, program));
  return program;
}
#else
static Result<Program> readOnnx(const Arguments &, const std::string &,
                                std::span<const std::byte>) {
  return Status::error(
      "it is no TFLite or GGUF file, and lpgen was built without ONNX; "
      "configure it with -DLPGEN_IMPORT_ONNX=ON (needs "
      "libonnx-dev and libprotobuf-dev)");
}
#endif

static Result<Program> readNetwork(const Arguments &arguments,
                                   std::span<const std::byte> bytes) {
  const std::filesystem::path path = arguments.file;
  const std::string name = path.stem().string();
  Result<Program> program =
      gguf::isGguf(bytes)
          ? gguf::importTensor(bytes, arguments.tensor, arguments.options)
      : isTflite(bytes) ? importTflite(name, bytes, arguments.options)
                        : readOnnx(arguments, name, bytes);
  if (!program.ok()) {
    return Status::error(quotedForMessage(arguments.file) + ": " +
                         program.message());
  }
  program->report.file = path.filename().string();
  return program;
}

/// The tensors of a GGUF file.
static int listTensors(const Arguments &arguments,
                       std::span<const std::byte> bytes) {
  const Result<gguf::GgufFile> file = gguf::readGguf(bytes);
  if (!file.ok()) {
    return fail(quotedForMessage(arguments.file) + ": " + file.message());
  }
  const std::string name =
      std::filesystem::path(arguments.file).filename().string();
  const std::string text = arguments.json ? gguf::tensorsJson(name, *file)
                                          : gguf::tensorsText(name, *file);
  std::fputs(text.c_str(), stdout);
  return gguf::hasUnsupportedMatrix(*file) ? Unsupported : Done;
}

static int inspect(const Arguments &arguments,
                   std::span<const std::byte> bytes) {
  if (gguf::isGguf(bytes) && arguments.tensor.empty()) {
    return listTensors(arguments, bytes);
  }
  Result<Program> program = readNetwork(arguments, bytes);
  if (!program.ok()) {
    return fail(program.message());
  }
  Report &report = program->report;
  if (!arguments.kernels.empty()) {
    const Result<std::string> kernels = readWholeFile(arguments.kernels);
    const Status added =
        kernels.ok() ? addKernels(report, *kernels) : kernels.status();
    if (!added.ok()) {
      return fail(quotedForMessage(arguments.kernels) + ": " + added.message());
    }
  }
  const std::string text =
      arguments.json ? reportJson(report) : reportText(report);
  std::fputs(text.c_str(), stdout);
  return report.isSupported() ? Done : Unsupported;
}

static int importNetwork(const Arguments &arguments,
                         std::span<const std::byte> bytes) {
  if (gguf::isGguf(bytes) && arguments.tensor.empty()) {
    return fail(quotedForMessage(arguments.file) +
                    " is a GGUF file, which has tensors but no network; choose "
                    "one with --tensor, lpgen inspect lists them",
                WrongUsage);
  }
  const Result<Program> program = readNetwork(arguments, bytes);
  if (!program.ok()) {
    return fail(program.message());
  }
  const Report &report = program->report;
  for (const std::string &note : report.notes) {
    std::fprintf(stderr, "lpgen: note: %s\n", oneLine(note).c_str());
  }
  for (const Finding &finding : report.findings) {
    fail(quotedForMessage(arguments.file) + ": " + describe(finding));
  }
  if (!report.isSupported()) {
    return Unsupported;
  }
  const Status status = program->write(arguments.folder);
  if (!status.ok()) {
    return fail(status.message());
  }
  if (arguments.isQuiet) {
    return Done;
  }
  std::printf("%s/%s.lp\n", arguments.folder.c_str(), program->name().c_str());
  return Done;
}

/// Opens the file for the command that was given.
static int runCommand(const Arguments &arguments, bool isImport) {
  const Result<MappedFile> file = MappedFile::open(arguments.file);
  if (!file.ok()) {
    return fail("cannot read " + quotedForMessage(arguments.file) + ": " +
                file.message());
  }
  if (!arguments.tensor.empty() && !gguf::isGguf(file->bytes())) {
    return fail("--tensor chooses from a GGUF file, which " +
                    quotedForMessage(arguments.file) + " is not",
                WrongUsage);
  }
  return isImport ? importNetwork(arguments, file->bytes())
                  : inspect(arguments, file->bytes());
}

static void addOptions(CLI::App &command, Arguments &arguments) {
  command
      .add_option("FILE", arguments.file,
                  "Network (.onnx, .tflite) or tensors (.gguf)")
      ->required();
  command.add_option("--tensor", arguments.tensor,
                     "Tensor of a GGUF file, by its name");
  command
      .add_option("--most-images", arguments.options.mostImages,
                  "Images, or rows, of one call at most, where the file leaves "
                  "their number open")
      ->check(CLI::Range(int64_t{1}, int64_t{65536}))
      ->capture_default_str();
  command.add_flag("--float-activations", arguments.options.hasFloatActivations,
                   "Products of weights with scales of groups (GGUF, "
                   "MatMulNBits) take x "
                   "in binary32 instead of quantizing it to 8 bits");
  command
      .add_option("--input-type", arguments.inputTypes,
                  "NAME=TYPE: integers that an input of floats holds, e.g. "
                  "image=u8")
      ->allow_extra_args(false);
}

// CLI11 throws while options are added only if this program names one wrongly.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char **argv) {
  startProgram();
  Arguments arguments;
  CLI::App app("Networks of other tools as operators");
  app.name("lpgen");
  app.failure_message(describeFailure);
  addOptionTable(app);
  app.require_subcommand(1);
  CLI::App *importing = app.add_subcommand(
      "import", "Write a network as operators (.lp) and weights "
                "(.safetensors)");
  addOptions(*importing, arguments);
  importing->add_option("-o,--output", arguments.folder, "Folder to write to")
      ->check(isPath())
      ->required();
  importing->add_flag("-q,--quiet", arguments.isQuiet,
                      "Do not print the name of what was written");
  importing->footer("Exit status: 3 if something is not supported.\n"
                    "Example: lpgen import net.onnx -o net");
  CLI::App *inspecting = app.add_subcommand(
      "inspect", "Show the layers of a network and what is not supported");
  addOptions(*inspecting, arguments);
  inspecting->add_flag("--json", arguments.json, "Print JSON");
  inspecting
      ->add_option("--target", arguments.target,
                   "Target whose kernels the table has (lpgen targets)")
      ->default_str("host");
  inspecting
      ->add_option("--kernels", arguments.kernels,
                   "What lpgen says of them, which runs this")
      ->group("");
  inspecting->footer("Exit status: 3 if something is not supported.\n"
                     "Example: lpgen inspect net.onnx");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return finishProgram("lpgen-import",
                         app.exit(error) == 0 ? Done : WrongUsage);
  }
  if (const std::string wrong = parseInputTypes(arguments); !wrong.empty()) {
    return finishProgram("lpgen-import", fail(wrong, WrongUsage));
  }
  if (!arguments.target.empty()) {
    return finishProgram(
        "lpgen-import",
        fail("--target chooses kernels, and the compiler is not in this "
             "program; run lpgen inspect",
             WrongUsage));
  }
  return finishProgram("lpgen-import",
                       runCommand(arguments, importing->parsed()));
}
