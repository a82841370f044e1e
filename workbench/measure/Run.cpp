// Kernel and baselines side by side.
#include "workbench/measure/Run.h"
#include "workbench/measure/Baseline.h"
#include "workbench/measure/Clock.h"
#include "workbench/measure/FromMemory.h"
#include "workbench/measure/Inputs.h"
#include "workbench/measure/TimedKernel.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace lpgen {

/// True if no sum of the problem leaves 32 bits, where baselines wrap.
static bool sumsFit32Bits(const BaselineInputs &inputs) {
  const auto magnitude = [](const BenchTensor &tensor) {
    return double(std::max(std::abs(tensor.lo), std::abs(tensor.hi)));
  };
  return magnitude(inputs.xType) * magnitude(inputs.wType) *
             double(inputs.problem.reductionSize()) <=
         double(INT32_MAX);
}

/// Why a baseline's result may differ from what is expected of it.
static Agreement disagreement(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::Saturating ? Agreement::Saturated
                                              : Agreement::Rounded;
}

/// Sums of whole numbers are whole numbers, of f32 too (BenchTensor).
static int64_t sumAt(const HostTensor &sums, int64_t position) {
  return sums.type().isFloat() ? int64_t(sums.getFloat(position))
                               : sums.getInt(position);
}

/// Runs the baseline once and compares its results with what our sums imply.
static Result<Agreement> compare(Baseline &baseline,
                                 const BaselineInputs &inputs,
                                 const HostTensor &ours) {
  LPGEN_RETURN_IF_ERROR(baseline.run());
  const Result<std::vector<int32_t>> theirs = baseline.results();
  LPGEN_RETURN_IF_ERROR(theirs.status());
  if (theirs->empty() || !sumsFit32Bits(inputs)) {
    return Agreement::NotCompared;
  }
  if (int64_t(theirs->size()) != ours.numElements()) {
    return Status::error(
        baseline.name() + " writes " + std::to_string(theirs->size()) +
        " results, the kernel " + std::to_string(ours.numElements()));
  }
  for (int64_t i = 0; i < ours.numElements(); ++i) {
    const int64_t sum = sumAt(ours, i);
    const int32_t expected = baseline.expected(sum);
    if (expected == (*theirs)[size_t(i)]) {
      continue;
    }
    if (baseline.arithmetic() != Arithmetic::Exact) {
      return disagreement(baseline.arithmetic());
    }
    return Status::error(
        "element " + shapeToString(ours.indicesAt(i)) + " is " +
        std::to_string(sum) + " by the kernel, so " + std::to_string(expected) +
        " is expected of " + baseline.name() + ", which writes " +
        std::to_string((*theirs)[size_t(i)]) + "; try 'lpgen verify'");
  }
  return Agreement::Equal;
}

static Subject subjectFor(TimedKernel &kernel) {
  return {"lpgen", [&kernel] { return kernel.run(); }};
}

static Subject subjectFor(Baseline &baseline) {
  return {baseline.name(), [&baseline]() -> Result<Duration> {
            const double start = secondsNow();
            LPGEN_RETURN_IF_ERROR(baseline.run());
            return Duration{secondsNow() - start, 0};
          }};
}

namespace {
/// The baselines of one kernel and how their results compare.
struct Baselines {
  std::vector<std::unique_ptr<Baseline>> list;
  std::vector<Agreement> agreements;
};
} // namespace

static Result<Baselines>
prepareBaselines(const BenchJob &job, const BenchKernel &kernel,
                 const std::vector<HostTensor> &tensors,
                 const TimedKernel &ours, ThreadPool *pool,
                 std::vector<std::string> &notes) {
  Baselines baselines;
  if (!kernel.problem) {
    notes.push_back("baselines, " + kernel.whyNoBaselines);
    return baselines;
  }
  const Problem &problem = *kernel.problem;
  const auto x = size_t(problem.x);
  const auto w = size_t(problem.w);
  const BaselineInputs inputs{problem,     kernel.tensors[x], kernel.tensors[w],
                              tensors[x],  tensors[w],        pool,
                              job.threads, job.baselineIsa};
  baselines.list = makeBaselines(inputs, notes);
  for (const std::unique_ptr<Baseline> &baseline : baselines.list) {
    Agreement agreement = Agreement::NotCompared;
    if (problem.result >= 0 && ours.writesLogical(size_t(problem.result))) {
      const Result<Agreement> compared =
          compare(*baseline, inputs, tensors[size_t(problem.result)]);
      LPGEN_RETURN_IF_ERROR(compared.status());
      agreement = *compared;
    }
    baselines.agreements.push_back(agreement);
  }
  return baselines;
}

/// The kernel on packed inputs that are in no cache, and plain reads of these,
/// in turns. Nothing, and a note, where that cannot be.
static Result<std::optional<MemoryReport>>
measureFromMemory(const BenchJob &job, TimedKernel &kernel, ThreadPool *pool,
                  std::vector<std::string> &notes) {
  std::optional<MemoryReport> report;
  Result<FromMemory> memory = FromMemory::create(kernel, pool);
  if (!memory.ok()) {
    notes.push_back(memory.message());
    return report;
  }
  Result<std::vector<Measurement>> measured =
      measure({{"lpgen", [&] { return memory->runKernel(); }},
               {"plain read", [&] { return memory->readPlainly(); }}},
              job.repetitions, job.minSeconds);
  LPGEN_RETURN_IF_ERROR(measured.status());
  report = MemoryReport{std::move((*measured)[0]), std::move((*measured)[1]),
                        memory->copyBytes(), memory->copies()};
  return report;
}

namespace {
/// The operator of a kernel with another schedule, on tensors of its own.
struct OtherKernel {
  std::vector<HostTensor> tensors;
  std::optional<TimedKernel> timed;
  Agreement agreement = Agreement::NotCompared;
};
} // namespace

/// Equal outputs where both kernels write them as they are; an error if they
/// differ.
static Result<Agreement> compare(const BenchKernel &kernel,
                                 const TimedKernel &ours,
                                 const std::vector<HostTensor> &tensors,
                                 const OtherKernel &other) {
  Agreement agreement = Agreement::NotCompared;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (kernel.tensors[i].isInput || !ours.writesLogical(i) ||
        !other.timed->writesLogical(i)) {
      continue;
    }
    if (std::memcmp(tensors[i].data(), other.tensors[i].data(),
                    size_t(tensors[i].byteSize())) != 0) {
      return Status::error("the schedules of operator '" + kernel.op +
                           "' give different values of '" +
                           kernel.tensors[i].name + "'; try 'lpgen verify'");
    }
    agreement = Agreement::Equal;
  }
  return agreement;
}

/// Those kernels that `kernel` is measured in turn with.
static Result<std::vector<OtherKernel>>
prepareOthers(const BenchKernel &kernel, const TimedKernel &ours,
              const std::vector<HostTensor> &tensors, ThreadPool *pool) {
  std::vector<OtherKernel> others;
  others.reserve(kernel.others.size()); // Kernels refer to their tensors.
  for (const BenchKernel &description : kernel.others) {
    OtherKernel &other = others.emplace_back();
    Result<std::vector<HostTensor>> own = makeTensors(description);
    LPGEN_RETURN_IF_ERROR(own.status());
    other.tensors = std::move(*own);
    Result<TimedKernel> timed =
        TimedKernel::create(description, other.tensors, pool);
    LPGEN_RETURN_IF_ERROR(timed.status());
    other.timed = std::move(*timed);
    const Result<Agreement> compared = compare(kernel, ours, tensors, other);
    LPGEN_RETURN_IF_ERROR(compared.status());
    other.agreement = *compared;
  }
  return others;
}

/// "widen<...> of y", one for each contraction.
static std::string schedulesText(const BenchKernel &kernel) {
  std::string text;
  for (const std::string &schedule : kernel.schedules) {
    text += (text.empty() ? "" : "; ") + schedule;
  }
  return text;
}

Result<KernelReport> runKernel(const BenchJob &job, const BenchKernel &kernel,
                               ThreadPool *pool) {
  Result<std::vector<HostTensor>> tensors = makeTensors(kernel);
  LPGEN_RETURN_IF_ERROR(tensors.status());
  Result<TimedKernel> timed = TimedKernel::create(kernel, *tensors, pool);
  LPGEN_RETURN_IF_ERROR(timed.status());
  KernelReport report;
  report.kernel = &kernel;
  report.symbol = timed->symbol();
  report.bytes = timed->bufferBytes();
  const Result<Baselines> baselines =
      prepareBaselines(job, kernel, *tensors, *timed, pool, report.notes);
  LPGEN_RETURN_IF_ERROR(baselines.status());
  Result<std::vector<OtherKernel>> others =
      prepareOthers(kernel, *timed, *tensors, pool);
  LPGEN_RETURN_IF_ERROR(others.status());
  std::vector<Subject> subjects = {subjectFor(*timed)};
  for (size_t i = 0; i < others->size(); ++i) {
    subjects.push_back(subjectFor(*(*others)[i].timed));
    subjects.back().name += " " + std::to_string(i + 2);
  }
  for (const std::unique_ptr<Baseline> &baseline : baselines->list) {
    subjects.push_back(subjectFor(*baseline));
  }
  Result<std::vector<Measurement>> measured =
      measure(subjects, job.repetitions, job.minSeconds);
  LPGEN_RETURN_IF_ERROR(measured.status());
  report.ours = std::move(measured->front());
  for (size_t i = 0; i < others->size(); ++i) {
    report.baselines.push_back({std::move((*measured)[i + 1]),
                                (*others)[i].agreement,
                                schedulesText(kernel.others[i])});
  }
  const size_t first = others->size() + 1;
  for (size_t i = 0; i < baselines->list.size(); ++i) {
    report.baselines.push_back({std::move((*measured)[first + i]),
                                baselines->agreements[i],
                                baselines->list[i]->implementation()});
  }
  if (job.fromMemory) {
    auto memory = measureFromMemory(job, *timed, pool, report.notes);
    LPGEN_RETURN_IF_ERROR(memory.status());
    report.fromMemory = std::move(*memory);
  }
  return report;
}

} // namespace lpgen
