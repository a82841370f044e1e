// Measuring kernels of one operator. See Measure.h.
#include "workbench/tune/Measure.h"
#include "operators/reference/RandomInputs.h"
#include "workbench/verify/OpJob.h"

namespace lpgen {

Result<KernelMeter> KernelMeter::create(const ast::Op &op,
                                        const TargetDesc &target,
                                        std::string remote, double seconds) {
  // A trial must not take long: fewer steps of the interpreter than verify.
  constexpr Expectation::Limits limits = {
      .maxSteps = 4'000'000, .minSamples = 64, .maxSamples = 1024};
  constexpr uint64_t seed = 1;
  KernelMeter meter(op, target);
  meter.remote = std::move(remote);
  meter.seconds = seconds;
  meter.runSizes = op.largestSizes();
  // Random inputs first: they are the ones that are timed.
  for (InputKind kind : {InputKind::Random, InputKind::AllMax}) {
    Result<std::vector<HostTensor>> tensors =
        makeInputs(op, meter.runSizes, kind, seed);
    LPGEN_RETURN_IF_ERROR(tensors.status());
    Result<Expectation> expected =
        Expectation::compute(op, meter.runSizes, *tensors, seed, limits);
    LPGEN_RETURN_IF_ERROR(expected.status());
    meter.inputSets.push_back({std::string(inputKindName(kind)) + " inputs",
                               std::move(*tensors), std::move(*expected)});
  }
  return meter;
}

Job KernelMeter::makeTurn(const CompiledOp &kernel, const InputSet &inputs,
                          double timedSeconds) const {
  Job job = makeJob(op, kernel.symbol, runSizes, inputs.tensors);
  job.description = inputs.name;
  job.timedSeconds = timedSeconds;
  return job;
}

/// Adds what one job found to what is known of its kernel.
void KernelMeter::take(const Job &job, const InputSet &inputs,
                       const JobResult &result, MeasuredKernel &kernel) const {
  for (size_t output = 0; output < job.outputs.size(); ++output) {
    std::vector<std::string> differences;
    const int64_t count = inputs.expected.compare(
        output, result.outputs[output], /*maxLines=*/1, differences);
    if (count != 0 && !kernel.isWrong) {
      kernel.isWrong = true;
      kernel.message = differences.front() + " (" + inputs.name + "; " +
                       std::to_string(count) + " elements differ)";
    }
  }
  if (kernel.isWrong) {
    kernel.timing.reset();
  } else if (result.timing &&
             (!kernel.timing ||
              result.timing->minSeconds < kernel.timing->minSeconds)) {
    kernel.timing = result.timing;
  }
}

/// First every other input set, then turns on the random one under the clock.
KernelMeter::Plan KernelMeter::plan(llvm::ArrayRef<CompiledOp> kernels,
                                    unsigned turns) const {
  Plan plan;
  const auto add = [&](size_t kernel, size_t inputs, double timedSeconds) {
    plan.jobs.push_back(
        makeTurn(kernels[kernel], inputSets[inputs], timedSeconds));
    plan.origins.emplace_back(kernel, inputs);
  };
  for (size_t kernel = 0; kernel < kernels.size(); ++kernel) {
    for (size_t inputs = 1; inputs < inputSets.size(); ++inputs) {
      add(kernel, inputs, 0);
    }
  }
  for (unsigned turn = 0; turn < turns; ++turn) {
    for (size_t i = 0; i < kernels.size(); ++i) {
      add((i + turn) % kernels.size(), 0, seconds);
    }
  }
  return plan;
}

Result<std::vector<MeasuredKernel>>
KernelMeter::measure(llvm::ArrayRef<CompiledOp> kernels, unsigned turns) const {
  std::vector<llvm::StringRef> objects;
  for (const CompiledOp &kernel : kernels) {
    objects.emplace_back(kernel.object);
  }
  const auto [jobs, origins] = plan(kernels, turns);
  const Result<KernelProgram> program =
      KernelProgram::link(objects, target, remote);
  LPGEN_RETURN_IF_ERROR(program.status());
  const Result<RunnerOutput> output = program->execute(jobs);
  LPGEN_RETURN_IF_ERROR(output.status());
  if (output->bytes.empty()) {
    return Status::error("the kernel program " + output->end +
                         " before it ran a kernel");
  }
  const Result<std::vector<JobResult>> results =
      decodeResults(output->bytes, jobs, output->end);
  std::vector<MeasuredKernel> measured(kernels.size());
  if (!results.ok()) {
    if (kernels.size() > 1) {
      return measureAlone(kernels, turns);
    }
    measured.front().message = results.message();
    return measured;
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    const auto [kernel, inputs] = origins[i];
    take(jobs[i], inputSets[inputs], (*results)[i], measured[kernel]);
  }
  return measured;
}

Result<std::vector<MeasuredKernel>>
KernelMeter::measureAlone(llvm::ArrayRef<CompiledOp> kernels,
                          unsigned turns) const {
  std::vector<MeasuredKernel> measured;
  for (const CompiledOp &kernel : kernels) {
    Result<std::vector<MeasuredKernel>> one = measure(kernel, turns);
    LPGEN_RETURN_IF_ERROR(one.status());
    measured.push_back(std::move(one->front()));
  }
  return measured;
}

} // namespace lpgen
