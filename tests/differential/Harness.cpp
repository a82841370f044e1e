// See Harness.h.
#include "tests/differential/Harness.h"
#include "operators/frontend/Parser.h"
#include "workbench/run/Emulator.h"
#include "workbench/verify/Verify.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <sstream>

namespace lpgen::difftest {

/// Operators in one program: enough that starting processes does not count, few
/// enough that a crash is found quickly.
static constexpr size_t batchSize = 100;
/// Failures printed with their text; a broken compiler would fill the disk.
static constexpr size_t maxPrinted = 25;

bool fullRun() {
  const char *value = std::getenv("LPGEN_TEST_FULL");
  return value && *value && std::string(value) != "0";
}

uint64_t testSeed() {
  const char *value = std::getenv("LPGEN_TEST_SEED");
  return value ? std::strtoull(value, nullptr, 10) : 20220901;
}

std::string nameOf(const testing::TestParamInfo<const Target *> &info) {
  return info.param->desc().name;
}

std::string whyNotRunnable(const Target &target) {
  const Result<std::vector<std::string>> command =
      commandFor(target.desc(), "program");
  return command.ok() ? "" : command.message();
}

std::string describe(const TestCase &test, const Target &target) {
  std::string text =
      "target " + target.desc().name + ", schedule '" + test.schedule + "'";
  for (const auto &[name, value] : test.defines) {
    text += ", -D " + name + "=" + std::to_string(value);
  }
  return text + ", seed " + std::to_string(testSeed()) + "\n" + test.text;
}

static size_t totalOf(const std::map<std::string, size_t> &reasons) {
  size_t total = 0;
  for (const auto &[reason, count] : reasons) {
    total += count;
  }
  return total;
}

bool runsOnBochs(const Target &target) {
  const Result<std::vector<std::string>> command =
      commandFor(target.desc(), "program");
  return target.desc().emulator == "lpgen-emulate-avx512" && command.ok() &&
         command->size() > 1;
}

size_t Summary::numRejected() const { return totalOf(rejected); }

std::string Summary::str() const {
  std::ostringstream out;
  out << compiled << " operators compiled, " << runs << " runs, " << elements
      << " elements compared, " << failed << " failed";
  const auto list = [&](const char *title,
                        const std::map<std::string, size_t> &reasons) {
    out << "\n" << totalOf(reasons) << " " << title;
    for (const auto &[reason, count] : reasons) {
      out << "\n  " << count << " x " << reason;
    }
  };
  list("schedules not applicable", notApplicable);
  if (!rejected.empty()) {
    list("texts refused by the front end", rejected);
  }
  return out.str();
}

void Harness::fail(const TestCase &test, const std::string &what) {
  ++counts.failed;
  if (counts.failed <= maxPrinted) {
    ADD_FAILURE() << what << "\n" << describe(test, target);
  } else if (counts.failed == maxPrinted + 1) {
    ADD_FAILURE() << "further failures are only counted";
  }
}

bool Harness::parse(PreparedCase &prepared) {
  prepared.sources = std::make_unique<llvm::SourceMgr>();
  prepared.sources->AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(prepared.source->text, "case.lp"),
      llvm::SMLoc());
  prepared.sources->setDiagHandler(
      [](const llvm::SMDiagnostic &message, void *context) {
        llvm::raw_string_ostream out(*static_cast<std::string *>(context));
        message.print(nullptr, out, /*ShowColors=*/false);
      },
      &prepared.messages);
  std::optional<ast::File> file =
      parseFile(*prepared.sources, {prepared.source->defines});
  if (file) {
    prepared.file = std::move(*file);
  }
  return file.has_value();
}

bool Harness::compile(PreparedCase &prepared, const std::string &schedule) {
  const llvm::PrettyStackTraceFormat trace(
      "compiling for %s with schedule '%s':\n%s", target.desc().name.c_str(),
      schedule.c_str(), prepared.source->text.c_str());
  CompileOptions options;
  options.target = &target;
  options.schedule = schedule;
  std::optional<CompiledOp> compiled =
      compileOp(prepared.op(), *prepared.sources, options);
  if (compiled) {
    prepared.compiled = std::move(*compiled);
    prepared.scheduleUsed = schedule;
  }
  return compiled.has_value();
}

/// The reason in "... schedule 'S' cannot be applied: REASON", if that was
/// said.
static std::string inapplicableReason(const std::string &messages) {
  constexpr llvm::StringLiteral mark = "cannot be applied: ";
  const size_t begin = messages.find(mark);
  if (begin == std::string::npos) {
    return "";
  }
  return messages.substr(begin + mark.size(),
                         messages.find('\n', begin) - begin - mark.size());
}

/// The text of the first error, without its place.
static std::string firstError(const std::string &messages) {
  constexpr llvm::StringLiteral mark = "error: ";
  const size_t begin = messages.find(mark);
  return begin == std::string::npos
             ? messages
             : messages.substr(begin + mark.size(), messages.find('\n', begin) -
                                                        begin - mark.size());
}

/// `widen<cell=maddw,tile=[1,1]>` -> `widen<cell=maddw>`.
static std::string withoutTile(const std::string &schedule) {
  const size_t comma = schedule.find(',');
  return comma == std::string::npos ? schedule
                                    : schedule.substr(0, comma) + ">";
}

void Harness::noteApplied(const TestCase &test) {
  if (test.schedule.empty()) {
    return;
  }
  ++counts.applied[withoutTile(test.schedule)];
  if (test.applies == false) {
    fail(test, "the schedule applies, which it should not");
  }
}

/// What a kernel must not have: it is linked to nothing.
static std::string undefinedSymbols(const std::string &bytes) {
  std::string names;
  auto object = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(bytes, "kernel.o"));
  if (!object) {
    ADD_FAILURE() << llvm::toString(object.takeError());
    return names;
  }
  for (const llvm::object::SymbolRef &symbol : (*object)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name) {
      ADD_FAILURE() << "a symbol without flags or name";
      continue;
    }
    // The ELF symbol table begins with a nameless undefined one.
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) != 0 &&
        !name->empty()) {
      names += " " + name->str();
    }
  }
  return names;
}

void Harness::noteCompiled(const PreparedCase &prepared) {
  ++counts.compiled;
  const std::string names = undefinedSymbols(prepared.compiled.object);
  if (!names.empty()) {
    fail(*prepared.source, "its object has undefined symbols:" + names);
  }
}

void Harness::noteRefused(const TestCase &test, const std::string &reason) {
  ++counts.notApplicable[reason];
  if (test.applies == true) {
    fail(test, "the schedule does not apply, which it should: " + reason);
  }
}

std::unique_ptr<PreparedCase> Harness::prepare(const TestCase &test) {
  auto prepared = std::make_unique<PreparedCase>();
  prepared->source = &test;
  if (!parse(*prepared)) {
    if (rejectedAllowed) {
      ++counts.rejected[firstError(prepared->messages)];
    } else {
      fail(test, "the front end refuses it:\n" + prepared->messages);
    }
    return nullptr;
  }
  if (compile(*prepared, test.schedule)) {
    noteApplied(test);
    noteCompiled(*prepared);
    return prepared;
  }
  const std::string reason = inapplicableReason(prepared->messages);
  if (reason.empty() || test.schedule.empty()) {
    fail(test, "it does not compile:\n" + prepared->messages);
    return nullptr;
  }
  noteRefused(test, reason);
  if (!test.runsAnyway) {
    return nullptr;
  }
  prepared->messages.clear();
  if (!compile(*prepared, "")) {
    fail(test, "it does not compile with any schedule:\n" + prepared->messages);
    return nullptr;
  }
  noteCompiled(*prepared);
  return prepared;
}

void Harness::add(TestCase test) {
  tests.push_back(std::make_unique<TestCase>(std::move(test)));
  if (std::unique_ptr<PreparedCase> prepared = prepare(*tests.back())) {
    batch.push_back(std::move(prepared));
  }
  if (batch.size() == batchSize) {
    verify(batch);
    batch.clear();
  }
}

void Harness::finish(const std::vector<std::string> &mustHaveApplied) {
  verify(batch);
  batch.clear();
  for (const std::string &schedule : mustHaveApplied) {
    EXPECT_TRUE(schedule.empty() || counts.applied.count(schedule) > 0)
        << "target " << target.desc().name << ": no case was compiled with '"
        << schedule << "'";
  }
}

void Harness::verify(llvm::ArrayRef<std::unique_ptr<PreparedCase>> cases) {
  if (cases.empty()) {
    return;
  }
  std::vector<VerifyItem> items;
  items.reserve(cases.size());
  for (const std::unique_ptr<PreparedCase> &prepared : cases) {
    items.push_back({&prepared->op(), prepared->compiled.symbol,
                     prepared->compiled.object});
  }
  VerifyOptions options;
  options.seed = seed;
  options.randomCases = 1;
  options.maxMessages = 3;
  const Result<std::vector<VerifyReport>> reports =
      verifyOps(items, target.desc(), options);
  if (!reports.ok() && cases.size() > 1) {
    // A kernel that dies takes the whole program down; halves find it.
    const size_t half = cases.size() / 2;
    verify(cases.take_front(half));
    verify(cases.drop_front(half));
    return;
  }
  if (!reports.ok()) {
    fail(*cases.front()->source,
         "its kernel does not run: " + reports.message());
    return;
  }
  for (size_t i = 0; i < cases.size(); ++i) {
    const VerifyReport &report = (*reports)[i];
    counts.runs += report.runs;
    counts.elements += report.elements;
    if (!report.ok()) {
      std::string what = std::to_string(report.mismatches) +
                         " elements are wrong; compiled with schedule";
      for (const ScheduleChoice &choice : cases[i]->compiled.choices) {
        what += " '" + choice.schedule + "'";
      }
      for (const std::string &message : report.messages) {
        what += "\n  " + message;
      }
      fail(*cases[i]->source, what);
    }
  }
}

} // namespace lpgen::difftest
