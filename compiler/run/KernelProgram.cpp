// Links and runs kernel programs.
#include "compiler/run/KernelProgram.h"
#include "compiler/run/Emulator.h"
#include "compiler/run/Linker.h"
#include "compiler/run/RunnerObject.h"
#include "llvm/Support/Program.h"

namespace lpgen {

Result<KernelProgram>
KernelProgram::link(llvm::ArrayRef<llvm::StringRef> objects,
                    const TargetDesc &target) {
  const Result<llvm::StringRef> runner = runnerObject(target.triple);
  LPGEN_RETURN_IF_ERROR(runner.status());
  // Before the work of linking: can the program run here at all?
  LPGEN_RETURN_IF_ERROR(commandFor(target, "").status());
  std::vector<TemporaryFile> files;
  std::vector<std::string> paths;
  const auto add = [&](llvm::StringRef object) -> Status {
    Result<TemporaryFile> file = TemporaryFile::create("o", object);
    LPGEN_RETURN_IF_ERROR(file.status());
    paths.push_back(file->path());
    files.push_back(std::move(*file));
    return Status::success();
  };
  LPGEN_RETURN_IF_ERROR(add(*runner));
  for (llvm::StringRef object : objects) {
    LPGEN_RETURN_IF_ERROR(add(object));
  }
  Result<TemporaryFile> executable = TemporaryFile::create("kernels");
  LPGEN_RETURN_IF_ERROR(executable.status());
  LPGEN_RETURN_IF_ERROR(
      linkObjects(LinkKind::Program, paths, executable->path()));
  Result<std::vector<std::string>> command =
      commandFor(target, executable->path());
  LPGEN_RETURN_IF_ERROR(command.status());
  return KernelProgram(std::move(*executable), std::move(*command));
}

/// How the process ended, as the end of a sentence; "" if it ended well or
/// wrote down itself what went wrong.
static std::string describeEnd(int status, const std::string &message) {
  if (status < 0) {
    return status == -1 ? "could not be started (" + message + ")"
                        : "was killed (" + message + ")";
  }
  if (status == RunnerExitIo) {
    return "could not write its results; free some space or set TMPDIR to "
           "another folder; it stopped";
  }
  return "ended with status " + std::to_string(status);
}

Result<std::vector<JobResult>>
KernelProgram::runJobs(llvm::ArrayRef<Job> jobs) const {
  Result<TemporaryFile> jobFile =
      TemporaryFile::create("jobs", encodeJobs(jobs));
  LPGEN_RETURN_IF_ERROR(jobFile.status());
  Result<TemporaryFile> resultFile = TemporaryFile::create("results");
  LPGEN_RETURN_IF_ERROR(resultFile.status());
  std::vector<llvm::StringRef> arguments(command.begin(), command.end());
  arguments.emplace_back(jobFile->path());
  arguments.emplace_back(resultFile->path());
  // The runner itself prints nothing; what its emulator prints is the user's to
  // see.
  std::string message;
  const int status = llvm::sys::ExecuteAndWait(
      command.front(), arguments, /*Env=*/std::nullopt, /*Redirects=*/{},
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  const Result<std::string> bytes = resultFile->read();
  LPGEN_RETURN_IF_ERROR(bytes.status());
  return decodeResults(*bytes, jobs, describeEnd(status, message));
}

} // namespace lpgen
