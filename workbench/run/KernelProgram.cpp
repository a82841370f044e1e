// Links and runs kernel programs.
#include "workbench/run/KernelProgram.h"
#include "workbench/run/Emulator.h"
#include "workbench/run/Linker.h"
#include "workbench/run/RunnerObject.h"
#include "llvm/Support/Program.h"

namespace lpgen {

Result<KernelProgram>
KernelProgram::link(llvm::ArrayRef<llvm::StringRef> objects,
                    const TargetDesc &target, const std::string &remote) {
  const Result<llvm::StringRef> runner = runnerObject(target.triple);
  LPGEN_RETURN_IF_ERROR(runner.status());
  if (remote.empty()) {
    // Before the work of linking: can the program run here at all?
    LPGEN_RETURN_IF_ERROR(commandFor(target, "").status());
  }
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
  std::vector<std::string> command;
  if (remote.empty()) {
    Result<std::vector<std::string>> local =
        commandFor(target, executable->path());
    LPGEN_RETURN_IF_ERROR(local.status());
    command = std::move(*local);
  }
  KernelProgram program(std::move(*executable), std::move(command));
  program.remote = remote;
  return program;
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

Result<RunnerOutput> KernelProgram::executeHere(const std::string &jobs) const {
  const Result<TemporaryFile> jobFile = TemporaryFile::create("jobs", jobs);
  LPGEN_RETURN_IF_ERROR(jobFile.status());
  const Result<TemporaryFile> resultFile = TemporaryFile::create("results");
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
  Result<std::string> bytes = resultFile->read();
  LPGEN_RETURN_IF_ERROR(bytes.status());
  return RunnerOutput{std::move(*bytes), describeEnd(status, message)};
}

/// Takes program and jobs as one file from standard input and writes the result
/// file to standard output; whatever happens, nothing stays behind.
static std::string remoteScript(size_t jobsOffset) {
  return "d=$(mktemp -d) || exit; trap 'rm -rf \"$d\"' EXIT; "
         "trap 'exit 130' HUP INT TERM; "
         "cat > \"$d/k\" && chmod 700 \"$d/k\" || exit; "
         "\"$d/k\" \"$d/k\" \"$d/r\" " +
         std::to_string(jobsOffset) + "; s=$?; cat \"$d/r\"; exit $s";
}

Result<RunnerOutput>
KernelProgram::executeRemotely(const std::string &jobs) const {
  Result<std::string> cargo = executable.read();
  LPGEN_RETURN_IF_ERROR(cargo.status());
  cargo->resize((cargo->size() + 7) / 8 * 8);
  const std::string script = remoteScript(cargo->size());
  const Result<TemporaryFile> sent =
      TemporaryFile::create("cargo", *cargo + jobs);
  LPGEN_RETURN_IF_ERROR(sent.status());
  const Result<TemporaryFile> received = TemporaryFile::create("results");
  LPGEN_RETURN_IF_ERROR(received.status());
  // The local shell splits the command; the script reaches it as one argument.
  const std::string shell = "/bin/sh";
  const std::string line = remote + " \"$0\"";
  const std::optional<llvm::StringRef> redirects[] = {
      sent->path(), received->path(), std::nullopt};
  std::string message;
  const int status = llvm::sys::ExecuteAndWait(
      shell, {shell, "-c", line, script}, /*Env=*/std::nullopt, redirects,
      /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  Result<std::string> bytes = received->read();
  LPGEN_RETURN_IF_ERROR(bytes.status());
  return RunnerOutput{std::move(*bytes), describeEnd(status, message) +
                                             " (run by '" + remote + "')"};
}

Result<RunnerOutput> KernelProgram::execute(llvm::ArrayRef<Job> jobs) const {
  const std::string bytes = encodeJobs(jobs);
  return remote.empty() ? executeHere(bytes) : executeRemotely(bytes);
}

Result<std::vector<JobResult>>
KernelProgram::runJobs(llvm::ArrayRef<Job> jobs) const {
  const Result<RunnerOutput> output = execute(jobs);
  LPGEN_RETURN_IF_ERROR(output.status());
  return decodeResults(output->bytes, jobs, output->end);
}

} // namespace lpgen
