// Imports damaged copies of given files, in processes of their own: no crash,
// no hang, no memory beyond a few times the file, and what is written is whole
// and has a text that the front end takes.
//
//   damage-files [--cases N] [--first N] [--out FOLDER] FILE OR FOLDER...
//
// A case is its number: that of a fault, which is kept in FOLDER, makes it
// again.
#include "base/system/AtomicFile.h"
#include "base/system/MappedFile.h"
#include "base/system/ScratchFolder.h"
#include "base/tensor/Safetensors.h"
#include "networks/import/gguf/GgufImport.h"
#include "networks/import/onnx/Import.h"
#include "networks/import/tflite/TfliteImport.h"
#include "operators/frontend/Parser.h"
#include "tests/fuzz/FileDamage.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lpgen;
using namespace lpgen::importer;
namespace fs = std::filesystem;

namespace {
struct Options {
  size_t cases = 1000;
  size_t first = 1;
  std::string out;
  std::vector<std::string> files;
};
enum Outcome { Written, NotRead, Refused, NoText };
} // namespace

constexpr rlim_t mostCpuSeconds = 30;

/// The tensor that is imported of a GGUF file: its first matrix.
static Result<Program> importAny(const std::string &bytes) {
  const std::span<const std::byte> span = std::as_bytes(std::span(bytes));
  if (gguf::isGguf(span)) {
    const Result<gguf::GgufFile> file = gguf::readGguf(span);
    LPGEN_RETURN_IF_ERROR(file.status());
    (void)gguf::tensorsText("net", *file);
    for (const gguf::GgufTensor &tensor : file->tensors) {
      if (gguf::reasonAgainst(tensor).empty()) {
        return gguf::importTensor(span, tensor.name, {});
      }
    }
    return Status::error("no matrix");
  }
  if (isTflite(span)) {
    return importTflite("net", span);
  }
  Program program("net");
  LPGEN_RETURN_IF_ERROR(
      importer::onnx::importModel(span, "/nonexistent", {}, program));
  return program;
}

/// Whether the front end takes what was written; prints the first message.
static bool isText(const std::string &stem) {
  const Result<MappedFile> weights = MappedFile::open(stem + ".safetensors");
  if (!weights.ok()) {
    return false;
  }
  const Result<SafetensorsView> view =
      SafetensorsView::create(weights->bytes());
  const ConstantReader read = [&](const std::string & /*path*/,
                                  const std::string &source, ElementType type,
                                  const std::vector<int64_t> &shape)
      -> Result<std::shared_ptr<const HostTensor>> {
    LPGEN_RETURN_IF_ERROR(view.status());
    Result<HostTensor> values = view->read(source, type, shape);
    LPGEN_RETURN_IF_ERROR(values.status());
    return std::make_shared<const HostTensor>(std::move(*values));
  };
  auto text = llvm::MemoryBuffer::getFile(stem + ".lp");
  if (!text) {
    return false;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*text), llvm::SMLoc());
  sources.setDiagHandler(
      [](const llvm::SMDiagnostic &message, void *isFirst) {
        if (message.getKind() == llvm::SourceMgr::DK_Error &&
            *static_cast<bool *>(isFirst)) {
          *static_cast<bool *>(isFirst) = false;
          std::printf("  %s\n    %s\n", message.getMessage().str().c_str(),
                      message.getLineContents().str().c_str());
        }
      },
      new bool(true));
  return parseFile(sources,
                   {{}, read, {std::string(LPGEN_SOURCE_DIR) + "/operators"}})
      .has_value();
}

/// Imports into FOLDER/net.
static Outcome importInto(const std::string &bytes, const std::string &folder) {
  const Result<Program> program = importAny(bytes);
  if (!program.ok()) {
    return NotRead;
  }
  (void)reportText(program->report);
  (void)reportJson(program->report);
  if (!program->report.isSupported()) {
    return Refused;
  }
  if (!program->write(folder).ok()) {
    return NotRead;
  }
  return isText(folder + "/" + program->name()) ? Written : NoText;
}

namespace {
/// What a process says of a case, in memory that its parent has too.
struct Record {
  int outcome;
  size_t files; ///< That were written.
  double seconds;
};
/// Runs the cases of one file and counts what became of them.
class Campaign {
public:
  Campaign(const std::string &path, const std::string &bytes,
           const Options &options)
      : path(path), bytes(bytes), options(options) {}
  bool run();

private:
  static constexpr size_t mostOfProcess = 50;

  std::string damaged(size_t number) const;
  /// Runs cases from `first` in one process; returns the first one that it
  /// could not end.
  size_t runProcess(size_t first, size_t end);
  void judge(size_t number, const Record &record);
  void fault(size_t number, const std::string &what);

  const std::string &path;
  const std::string &bytes;
  const Options &options;
  std::string folder;
  Record *records = nullptr;
  std::map<int, size_t> outcomes;
  size_t faults = 0;
  long mostKilobytes = 0;
  double mostSeconds = 0;
};
} // namespace

/// Case 0 is the file as it is.
std::string Campaign::damaged(size_t number) const {
  fuzz::Random random(number);
  return number == 0 ? bytes : fuzz::damage(bytes, random);
}

void Campaign::fault(size_t number, const std::string &what) {
  ++faults;
  const std::string name = fs::path(path).filename().string();
  std::printf("%s, case %zu: %s\n", name.c_str(), number, what.c_str());
  if (!options.out.empty()) {
    std::error_code ignored;
    fs::create_directories(options.out, ignored);
    const Status kept = writeFileAtomically(
        options.out + "/" + std::to_string(number) + "-" + name,
        damaged(number));
    if (!kept.ok()) {
      std::printf("  %s\n", kept.message().c_str());
    }
  }
}

static double secondsOfProcess() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec) + double(usage.ru_utime.tv_usec) / 1e6;
}

/// Counts the files in a folder and removes it.
static size_t takeFolder(const std::string &folder) {
  size_t files = 0;
  std::error_code error;
  for (const auto &each : fs::directory_iterator(folder, error)) {
    // What is no file is not whole either.
    files += each.is_regular_file() ? 1 : 3;
  }
  fs::remove_all(folder, error);
  return files;
}

size_t Campaign::runProcess(size_t first, size_t end) {
  std::fill_n(records, mostOfProcess, Record{-1, 0, 0});
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit time = {mostCpuSeconds, mostCpuSeconds + 1};
    ::setrlimit(RLIMIT_CPU, &time);
    for (size_t i = first; i < end; ++i) {
      const double start = secondsOfProcess();
      const int outcome = importInto(damaged(i), folder);
      records[i - first] = {outcome, takeFolder(folder),
                            secondsOfProcess() - start};
    }
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  rusage usage = {};
  ::wait4(child, &status, 0, &usage);
  const long before = mostKilobytes;
  mostKilobytes = std::max(mostKilobytes, usage.ru_maxrss);
  size_t i = first;
  while (i < end && records[i - first].outcome >= 0) {
    judge(i, records[i - first]);
    ++i;
  }
  constexpr long fixedKilobytes = 128 << 10;
  constexpr long times = 32;
  if (mostKilobytes > before &&
      mostKilobytes > fixedKilobytes + times * long(bytes.size() >> 10)) {
    fault(i - 1, "one of the cases from " + std::to_string(first) +
                     " to this one takes " +
                     std::to_string(mostKilobytes >> 10) + " MiB");
  }
  if (i == end) {
    return end;
  }
  const size_t files = takeFolder(folder);
  fault(i, (WIFSIGNALED(status)
                ? std::string(strsignal(WTERMSIG(status)))
                : "exit status " + std::to_string(WEXITSTATUS(status))) +
               (files % 2 == 0 ? "" : ", and it is half written"));
  return i + 1;
}

void Campaign::judge(size_t number, const Record &record) {
  ++outcomes[record.outcome];
  mostSeconds = std::max(mostSeconds, record.seconds);
  const bool isWritten = record.outcome == Written || record.outcome == NoText;
  if (record.outcome == NoText) {
    fault(number, "the front end refuses what was written");
  }
  if (record.files != (isWritten ? 2 : 0)) {
    fault(number, "it is half written");
  }
}

bool Campaign::run() {
  const Result<ScratchFolder> scratch = ScratchFolder::make("lpgen-damage");
  void *shared =
      ::mmap(nullptr, mostOfProcess * sizeof(Record), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!scratch.ok() || shared == MAP_FAILED) {
    std::printf("there is no folder or no memory for results\n");
    return false;
  }
  folder = scratch->path() + "/out";
  records = static_cast<Record *>(shared);
  runProcess(0, 1);
  const long undamaged = mostKilobytes;
  outcomes.clear();
  const size_t end = options.first + options.cases;
  for (size_t i = options.first; i < end;) {
    i = runProcess(i, std::min(i + mostOfProcess, end));
  }
  ::munmap(shared, mostOfProcess * sizeof(Record));
  std::printf("%s: %zu cases: %zu imported, %zu refused, %zu not read, %zu "
              "faults; at most %.2f s and %ld MiB, undamaged %ld MiB\n",
              fs::path(path).filename().c_str(), options.cases,
              outcomes[Written], outcomes[Refused], outcomes[NotRead], faults,
              mostSeconds, mostKilobytes >> 10, undamaged >> 10);
  std::fflush(stdout);
  return faults == 0;
}

static bool parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      options.files.push_back(word);
      continue;
    }
    if (++i == argc) {
      return false;
    }
    const std::string_view value = argv[i];
    size_t *number = word == "--cases"   ? &options.cases
                     : word == "--first" ? &options.first
                                         : nullptr;
    if (number) {
      const char *const begin = value.data();
      const char *const end = begin + value.size();
      if (std::from_chars(begin, end, *number).ptr != end) {
        return false;
      }
    } else if (word == "--out") {
      options.out = value;
    } else {
      return false;
    }
  }
  return !options.files.empty();
}

/// The files, and those of folders, in order.
static std::vector<std::string> filesIn(const std::vector<std::string> &paths) {
  std::vector<std::string> files;
  for (const std::string &path : paths) {
    std::error_code error;
    const size_t first = files.size();
    for (const auto &each : fs::directory_iterator(path, error)) {
      files.push_back(each.path().string());
    }
    std::sort(files.begin() + ptrdiff_t(first), files.end());
    if (error) {
      files.push_back(path);
    }
  }
  return files;
}

int main(int argc, char **argv) {
  Options options;
  if (!parseOptions(argc, argv, options)) {
    std::fputs("usage: damage-files [--cases N] [--first N] [--out FOLDER] "
               "FILE OR FOLDER...\n",
               stderr);
    return 2;
  }
  bool ok = true;
  for (const std::string &path : filesIn(options.files)) {
    const Result<std::string> bytes = readWholeFile(path);
    if (!bytes.ok()) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), bytes.message().c_str());
      return 2;
    }
    ok &= Campaign(path, *bytes, options).run();
  }
  return ok ? 0 : 1;
}
