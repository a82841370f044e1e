// Tuning one operator. See Tuner.h.
#include "workbench/tune/Tuner.h"
#include "workbench/tune/Search.h"
#include "llvm/ADT/STLExtras.h"
#include <chrono>
#include <limits>

namespace lpgen {

/// The cost model's favourites that open the search: so many of all, and so
/// many of each cell, since the model ranks tiles of a cell better than cells.
static constexpr size_t kFavourites = 6;
static constexpr size_t kFavouritesPerCell = 2;
/// The neighbours of so many schedules are tried.
static constexpr size_t kBeamWidth = 3;
/// So many of the fastest are measured again, in turns, so that what slows the
/// machine down meets them all.
static constexpr size_t kFinalists = 4;
static constexpr unsigned kFinalTurns = 5;
/// A turn of a kernel.
static constexpr double kTurnSeconds = 0.02;

static double secondsNow() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// "widen<cell=maddubs16": what schedules of one cell begin with.
static std::string cellOf(const std::string &schedule) {
  return schedule.substr(0, schedule.find(','));
}

std::vector<std::string> Tuner::seeds(size_t contraction) const {
  std::vector<std::string> chosen;
  std::map<std::string, size_t> perCell;
  const std::vector<std::string> ranked = problem.ranked(contraction);
  for (size_t rank = 0; rank < ranked.size(); ++rank) {
    const bool hasCell = ranked[rank].find('<') != std::string::npos;
    const size_t ofCell = perCell[cellOf(ranked[rank])]++;
    if (options.byModel && !hasCell) {
      continue; // No hot loop to analyze.
    }
    if (options.isExhaustive || rank < kFavourites ||
        (hasCell && ofCell < kFavouritesPerCell)) {
      chosen.push_back(ranked[rank]);
    }
  }
  return chosen;
}

/// The neighbours worth a trial.
std::vector<std::string> Tuner::steps(size_t contraction,
                                      const std::string &schedule) const {
  std::vector<std::string> next = problem.neighbours(contraction, schedule);
  if (options.byModel) {
    // The block changes nothing in the hot loop.
    const auto loopOf = [](const std::string &text) {
      return text.substr(0, text.find(",block="));
    };
    llvm::erase_if(next, [&](const std::string &step) {
      return loopOf(step) == loopOf(schedule);
    });
  }
  return next;
}

/// The best schedules until now with one of them replaced.
std::vector<std::string> Tuner::with(size_t contraction,
                                     const std::string &schedule) const {
  std::vector<std::string> all = schedules;
  all[contraction] = schedule;
  return all;
}

/// A record of what is going to be tried.
TrialRecord Tuner::blank(const char *source,
                         std::vector<std::string> tried) const {
  TrialRecord record;
  record.problem = problem.identity() + "-" + options.build;
  record.target = problem.target().desc().name;
  record.cpu = options.cpu;
  record.source = source;
  record.schedules = std::move(tried);
  record.op = problem.op().name;
  record.params = options.params;
  record.macs = options.macs;
  return record;
}

/// Enters what the meter found.
static void enter(const MeasuredKernel &measured, TrialRecord &record) {
  if (!measured.timing) {
    record.status = measured.isWrong ? "wrong" : "failed";
    record.message = measured.message;
    return;
  }
  record.status = "ok";
  record.seconds = measured.timing->minSeconds;
  record.medianSeconds = measured.timing->medianSeconds;
  record.frequency = measured.timing->frequency;
}

Status Tuner::measure(TrialRecord &record) const {
  const std::optional<CompiledOp> compiled = problem.compile(record.schedules);
  if (!compiled) {
    record.status = "failed";
    record.message = "the kernel does not compile";
    return Status::success();
  }
  const Result<std::vector<MeasuredKernel>> measured =
      meter->measure(*compiled, /*turns=*/1);
  LPGEN_RETURN_IF_ERROR(measured.status());
  enter(measured->front(), record);
  return Status::success();
}

void Tuner::rank(size_t contraction, TrialRecord &record) const {
  const Result<double> cycles = problem.modelCycles(
      contraction, record.schedules[contraction], options.model);
  record.status = cycles.ok() ? "ok" : "failed";
  if (cycles.ok()) {
    record.cyclesPerMac = *cycles;
  } else {
    record.message = cycles.message();
  }
}

/// The record of a trial, from the log or made now; null when interrupted.
Result<const TrialRecord *>
Tuner::tryOut(size_t contraction, const std::string &schedule, bool &isKnown) {
  TrialRecord record =
      blank(options.byModel ? "mca" : "measured", with(contraction, schedule));
  const std::string key = record.key();
  const TrialRecord *known = log.find(key);
  isKnown = known && known->schedules == record.schedules;
  if (isKnown) {
    ++outcome.knownTrials;
    return known;
  }
  if (options.byModel) {
    rank(contraction, record);
  } else {
    const Status measured = measure(record);
    if (options.isInterrupted()) {
      return nullptr; // The kernel may have met the interruption, too.
    }
    LPGEN_RETURN_IF_ERROR(measured);
  }
  ++outcome.newTrials;
  LPGEN_RETURN_IF_ERROR(log.append(record));
  return log.find(key);
}

/// Tries what the search proposes while the budget lasts; the best trial.
/// Nothing if none was ok.
Result<std::optional<TrialRecord>>
Tuner::explore(size_t contraction, Budget budget, Search &search) {
  std::optional<TrialRecord> best;
  for (int trial = 1; trial <= budget.trials; ++trial) {
    const double secondsLeft = budget.deadline - secondsNow();
    outcome.isInterrupted |= options.isInterrupted();
    if (outcome.isInterrupted || secondsLeft <= 0) {
      break;
    }
    const std::optional<std::string> schedule = search.next();
    if (!schedule) {
      break;
    }
    bool isKnown = false;
    const Result<const TrialRecord *> record =
        tryOut(contraction, *schedule, isKnown);
    LPGEN_RETURN_IF_ERROR(record.status());
    if (!*record) {
      outcome.isInterrupted = true;
      break;
    }
    const TrialRecord &last = **record;
    search.report(*schedule,
                  last.ok() ? std::optional(last.cost()) : std::nullopt);
    if (last.ok() && (!best || last.cost() < best->cost())) {
      best = last;
    }
    options.report({problem.op().name, problem.label(contraction), trial,
                    budget.trials, isKnown, secondsLeft, &last,
                    best ? &*best : nullptr, contraction});
  }
  return best;
}

Status Tuner::tune(size_t contraction, Budget budget) {
  Search search(
      seeds(contraction),
      [&](const std::string &schedule) { return steps(contraction, schedule); },
      options.isExhaustive ? std::numeric_limits<size_t>::max() : kBeamWidth);
  Result<std::optional<TrialRecord>> best =
      explore(contraction, budget, search);
  LPGEN_RETURN_IF_ERROR(best.status());
  if (!*best) {
    const bool isTooLate = secondsNow() >= budget.deadline;
    outcome.notes.push_back(
        problem.label(contraction) +
        (isTooLate ? ": the time ended before a schedule was measured"
                   : ": no schedule was tried with success"));
    return Status::success();
  }
  if (options.byModel) {
    if (!passesUnderEmulator(contraction, **best)) {
      return Status::success();
    }
  } else if (!outcome.isInterrupted) {
    Result<std::optional<TrialRecord>> decided =
        decide(contraction, search.best(kFinalists));
    LPGEN_RETURN_IF_ERROR(decided.status());
    *best = *decided ? *decided : *best;
  }
  schedules[contraction] = (*best)->schedules[contraction];
  outcome.tuned.push_back({contraction, std::move(**best)});
  return Status::success();
}

/// Compares the kernel of a ranked schedule with the interpreter, if something
/// can run it here; false if it is wrong. Notes say what was found out.
bool Tuner::passesUnderEmulator(size_t contraction, const TrialRecord &record) {
  const std::string about = problem.label(contraction) + ": ";
  const std::optional<CompiledOp> compiled = problem.compile(record.schedules);
  assert(compiled && "what was ranked compiles");
  const Result<KernelMeter> checker = KernelMeter::create(
      problem.op(), problem.target().desc(), /*remote=*/"", /*seconds=*/0);
  Result<std::vector<MeasuredKernel>> checked =
      checker.ok() ? checker->measure(*compiled, /*turns=*/1)
                   : Result<std::vector<MeasuredKernel>>(checker.status());
  if (!checked.ok()) {
    outcome.notes.push_back(about + "not verified: " + checked.message());
    return true;
  }
  const MeasuredKernel &kernel = checked->front();
  outcome.notes.push_back(about + record.schedules[contraction] +
                          (kernel.message.empty()
                               ? " equals the interpreter under the emulator"
                               : " is not used: " + kernel.message));
  return kernel.message.empty();
}

/// Measures the finalists in turns, unless the log has all of them; the fastest
/// one. Nothing if interrupted.
Result<std::optional<TrialRecord>>
Tuner::decide(size_t contraction, const std::vector<std::string> &finalists) {
  std::vector<TrialRecord> records;
  bool isKnown = true;
  for (const std::string &schedule : finalists) {
    const TrialRecord record = blank("final", with(contraction, schedule));
    const TrialRecord *known = log.find(record.key());
    isKnown &= known && known->schedules == record.schedules;
    records.push_back(known ? *known : record);
  }
  if (!isKnown) {
    LPGEN_RETURN_IF_ERROR(measureFinal(records));
  }
  if (options.isInterrupted()) {
    outcome.isInterrupted = true;
    return std::optional<TrialRecord>();
  }
  std::optional<TrialRecord> best;
  for (const TrialRecord &record : records) {
    if (!isKnown) {
      LPGEN_RETURN_IF_ERROR(log.append(record));
    }
    if (record.ok() && (!best || record.cost() < best->cost())) {
      best = record;
    }
  }
  return best;
}

Status Tuner::measureFinal(std::vector<TrialRecord> &records) {
  std::vector<CompiledOp> kernels;
  for (const TrialRecord &record : records) {
    std::optional<CompiledOp> compiled = problem.compile(record.schedules);
    assert(compiled && "what was measured compiles");
    kernels.push_back(std::move(*compiled));
  }
  const Result<std::vector<MeasuredKernel>> measured =
      meter->measure(kernels, kFinalTurns);
  if (options.isInterrupted()) {
    return Status::success();
  }
  LPGEN_RETURN_IF_ERROR(measured.status());
  for (auto [found, record] : llvm::zip_equal(*measured, records)) {
    enter(found, record);
  }
  return Status::success();
}

Result<TuneOutcome> Tuner::run() {
  std::vector<size_t> open; // Contractions with a choice.
  for (size_t i = 0; i < problem.numContractions(); ++i) {
    schedules.push_back(problem.ranked(i).front());
    const bool hasChoice = problem.ranked(i).size() > 1;
    if (hasChoice) {
      open.push_back(i);
    } else {
      outcome.notes.push_back(problem.label(i) + ": only '" + schedules.back() +
                              "' can compute it");
    }
  }
  if (open.empty()) {
    return outcome;
  }
  const double start = secondsNow();
  if (!options.byModel) {
    Result<KernelMeter> made = KernelMeter::create(
        problem.op(), problem.target().desc(), options.remote, kTurnSeconds);
    LPGEN_RETURN_IF_ERROR(made.status());
    meter.emplace(std::move(*made));
  }
  for (size_t i = 0; i < open.size() && !outcome.isInterrupted; ++i) {
    // What one contraction leaves of the time is the next one's.
    const double share = double(i + 1) / double(open.size());
    const Budget budget = {std::max(1, options.trials / int(open.size())),
                           start + options.seconds * share};
    LPGEN_RETURN_IF_ERROR(tune(open[i], budget));
  }
  return outcome;
}

} // namespace lpgen
