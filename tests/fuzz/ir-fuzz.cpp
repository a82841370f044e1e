// Fuzz target of IR: any text that claims to be the IR of a stage ends in an
// object or in a diagnostic, in bounded time, without a crash.
//
// Seeds are the IR of the sample operators at every stage, made on the spot.
// Each case damages one (Mutation.h) and compiles it from its stage to the
// object in a child process, so that a crash or a hang ends a child and not the
// run. A child runs many cases; one that ends it is repeated alone, which
// decides. SECONDS are those of the processor, so that a busy machine counts as
// no hang. A case is known by stage, seed and number.
//
//   ir-fuzz [--stage NAME]... [--cases N] [--first N] [--seed N] [--limit
//   SECONDS]
//           [--out FOLDER] OPERATORS.lp...
#include "compiler/pipeline/Compile.h"
#include "compiler/pipeline/Stages.h"
#include "ir/dialect/ParseText.h"
#include "operators/frontend/Parser.h"
#include "targets/Targets.h"
#include "tests/fuzz/Mutation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <csignal>
#include <fcntl.h>
#include <malloc.h>
#include <map>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lpgen;
using namespace lpgen::fuzz;

/// While it is set nothing is freed, in MLIR's libraries too: MLIR's parser
/// gives up regions whose values have users outside, which then write to the
/// memory of what they used. Nobody else gets that memory.
static bool keepsMemory = false;
// NOLINTBEGIN: the names are those of the C library.
extern "C" void __libc_free(void *memory);
extern "C" void free(void *memory) {
  if (!keepsMemory) {
    __libc_free(memory);
  }
}
// NOLINTEND

namespace {

struct Options {
  std::vector<Stage> stages;
  size_t cases = 100;
  size_t first = 0;
  uint64_t seed = 1;
  unsigned limitSeconds = 60;
  std::string out;
  std::vector<std::string> files;
};

/// IR of one operator at one stage.
struct Seed {
  const Target *target = nullptr;
  std::string text;
};
using Corpus = std::map<Stage, std::vector<Seed>>;

constexpr std::array stages = {Stage::Lp,    Stage::Scheduled, Stage::Packed,
                               Stage::Tiled, Stage::Vector,    Stage::Llvm};

/// The operators of a file at every stage, each for another target.
bool addSeeds(const std::string &path, Corpus &corpus) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << "ir-fuzz: cannot read " << path << "\n";
    return false;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  const std::optional<ast::File> file = parseFile(sources);
  if (!file) {
    return false;
  }
  for (const ast::Op &op : file->ops) {
    const auto targets = allTargets();
    CompileOptions options;
    options.target = targets[corpus[Stage::Lp].size() % targets.size()];
    for (Stage stage : stages) {
      options.stopAfter = stage;
      const auto compiled = compileOp(op, sources, options);
      if (!compiled) {
        return false;
      }
      corpus[stage].push_back({options.target, compiled->mlir});
    }
  }
  return true;
}

struct Case {
  const Target *target = nullptr;
  std::string text;
};

Case caseOf(const std::vector<Seed> &seeds, Stage stage, uint64_t seed,
            size_t number) {
  Random random((seed * 8 + static_cast<uint64_t>(stage)) << 32 | number);
  const Seed &from = seeds[random.below(seeds.size())];
  const Seed &other = seeds[random.below(seeds.size())];
  return {from.target, mutate(from.text, other.text, random)};
}

enum Outcome : char { Refused = 'r', Compiled = 'c', Silent = 's' };

void count(const llvm::SMDiagnostic &message, void *errors) {
  *static_cast<unsigned *>(errors) +=
      message.getKind() == llvm::SourceMgr::DK_Error;
}

/// Whether MLIR's parser takes the text; what it refuses stays in memory.
bool parses(const Case &test) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  const mlir::ScopedDiagnosticHandler quiet(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  return bool(lp::parseModule(test.text, &context));
}

Outcome compile(Stage stage, const Case &test) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(test.text, "case.mlir"),
      llvm::SMLoc());
  unsigned errors = 0;
  sources.setDiagHandler(count, &errors);
  CompileOptions options;
  options.target = test.target;
  if (compileFrom(stage, sources, options)) {
    return Compiled;
  }
  return errors > 0 ? Refused : Silent;
}

/// A child ends after so many cases or, since it keeps what it does not free,
/// bytes.
constexpr size_t casesOfChild = 200;
constexpr size_t bytesOfChild = size_t{1} << 30;

/// Runs the cases from `number` to `end` in a child and writes their outcomes
/// to `results`; ends with the child.
[[noreturn]] void runChild(const std::vector<Seed> &seeds, Stage stage,
                           const Options &options, size_t number, size_t end,
                           int results, int log) {
  dup2(log, STDERR_FILENO);
  const rlimit memory{size_t{8} << 30, size_t{8} << 30};
  setrlimit(RLIMIT_AS, &memory);
  const rlimit noCore{0, 0};
  setrlimit(RLIMIT_CORE, &noCore);
  llvm::sys::PrintStackTraceOnErrorSignal("ir-fuzz");
  for (; number < end && mallinfo2().uordblks < bytesOfChild; ++number) {
    if (ftruncate(log, 0) != 0 || lseek(log, 0, SEEK_SET) != 0) {
      _exit(1);
    }
    const itimerval limit{{}, {time_t(options.limitSeconds), 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
    const Case test = caseOf(seeds, stage, options.seed, number);
    keepsMemory = true;
    keepsMemory = !parses(test);
    const Outcome outcome = compile(stage, test);
    keepsMemory = false;
    if (write(results, &outcome, 1) != 1) {
      _exit(1);
    }
  }
  _exit(0);
}

/// One stage: its counts, and what it reports of failures.
class Campaign {
public:
  Campaign(const std::vector<Seed> &seeds, Stage stage, const Options &options)
      : seeds(seeds), stage(stage), options(options) {}

  /// True if no case crashed or hung.
  bool run() {
    const size_t end = options.first + options.cases;
    size_t number = options.first;
    while (number < end) {
      number = runFrom(number, std::min(number + casesOfChild, end));
    }
    llvm::outs() << "stage " << stageName(stage) << ", seed " << options.seed
                 << ": " << counts[Refused] << " refused, " << counts[Compiled]
                 << " compiled, " << crashed << " crashed, " << hung
                 << " hung, " << counts[Silent] << " refused without a word\n";
    llvm::outs().flush();
    return crashed + hung + counts[Silent] == 0;
  }

private:
  /// Runs a child until it ends; returns the number of the next case.
  size_t runFrom(const size_t first, size_t end) {
    size_t number = first;
    std::array<int, 2> results{};
    const std::string logPath = options.out + "/running-" +
                                stageName(stage).str() + "-" +
                                std::to_string(options.seed) + "-" +
                                std::to_string(options.first) + ".txt";
    const int log = open(logPath.c_str(), O_CREAT | O_RDWR | O_APPEND, 0600);
    if (log < 0 || pipe(results.data()) != 0) {
      llvm::report_fatal_error("ir-fuzz: no log or pipe in --out");
    }
    const pid_t child = fork();
    if (child == 0) {
      close(results[0]);
      runChild(seeds, stage, options, number, end, results[1], log);
    }
    close(results[1]);
    char outcome = 0;
    while (read(results[0], &outcome, 1) == 1) {
      ++counts[static_cast<Outcome>(outcome)];
      if (outcome == Silent) {
        report(number, "refused without a word", logPath);
      }
      ++number;
    }
    close(results[0]);
    close(log);
    int status = 0;
    waitpid(child, &status, 0);
    const bool failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (failed && end - first > 1) {
      unlink(logPath.c_str());
      return runFrom(number, number + 1);
    }
    if (failed) {
      const bool isHang = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
      ++(isHang ? hung : crashed);
      report(number++, isHang ? "hung" : "crashed", logPath);
    }
    unlink(logPath.c_str());
    return number;
  }

  /// Says which case it is and leaves its text, and what it said, in --out.
  void report(size_t number, const char *what, const std::string &logPath) {
    const Case test = caseOf(seeds, stage, options.seed, number);
    const std::string stem = options.out + "/" + stageName(stage).str() + "-" +
                             std::to_string(options.seed) + "-" +
                             std::to_string(number);
    std::error_code error;
    llvm::raw_fd_ostream(stem + ".mlir", error) << test.text;
    std::ignore = llvm::sys::fs::rename(logPath, stem + ".txt");
    llvm::outs() << what << ": stage " << stageName(stage) << ", seed "
                 << options.seed << ", case " << number << ": lpgen compile "
                 << stem << ".mlir --start-from " << stageName(stage)
                 << " --target " << test.target->desc().name << "\n";
    llvm::outs().flush();
  }

  const std::vector<Seed> &seeds;
  Stage stage;
  const Options &options;
  std::map<Outcome, size_t> counts;
  size_t crashed = 0;
  size_t hung = 0;
};

bool parseOptions(llvm::ArrayRef<const char *> arguments, Options &options) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const llvm::StringRef name = arguments[i];
    if (!name.starts_with("--")) {
      options.files.push_back(name.str());
      continue;
    }
    if (++i == arguments.size()) {
      return false;
    }
    const llvm::StringRef value = arguments[i];
    if (name == "--stage") {
      const auto stage = parseStage(value);
      if (!stage || !llvm::is_contained(stages, *stage)) {
        return false;
      }
      options.stages.push_back(*stage);
    } else if (name == "--out") {
      options.out = value.str();
    } else if (name == "--cases"   ? value.getAsInteger(10, options.cases)
               : name == "--first" ? value.getAsInteger(10, options.first)
               : name == "--seed"  ? value.getAsInteger(10, options.seed)
               : name == "--limit"
                   ? value.getAsInteger(10, options.limitSeconds)
                   : true) {
      return false;
    }
  }
  return !options.files.empty();
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  if (!parseOptions(llvm::ArrayRef(argv, argc).drop_front(), options)) {
    llvm::errs() << "usage: ir-fuzz [--stage NAME]... [--cases N] [--first N] "
                    "[--seed N] [--limit SECONDS] [--out FOLDER] "
                    "OPERATORS.lp...\n";
    return 2;
  }
  if (options.out.empty()) {
    llvm::SmallString<128> folder;
    if (llvm::sys::fs::createUniqueDirectory("ir-fuzz", folder)) {
      return 1;
    }
    options.out = folder.str().str();
  }
  if (options.stages.empty()) {
    options.stages.assign(stages.begin(), stages.end());
  }
  Corpus corpus;
  for (const std::string &file : options.files) {
    if (!addSeeds(file, corpus)) {
      return 1;
    }
  }
  bool ok = true;
  for (Stage stage : options.stages) {
    ok &= Campaign(corpus[stage], stage, options).run();
  }
  // Kept only if there is something in it.
  std::ignore = llvm::sys::fs::remove(options.out);
  return ok ? 0 : 1;
}
