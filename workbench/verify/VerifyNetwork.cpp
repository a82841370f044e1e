// Two kernels of a network on the same inputs. See VerifyNetwork.h.
#include "workbench/verify/VerifyNetwork.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/Cases.h"
#include "workbench/verify/OpJob.h"
#include <numeric>

namespace lpgen {

namespace {
/// A case with its inputs; the jobs point to them.
struct PreparedCase {
  VerifyCase plan;
  std::vector<HostTensor> inputs;
  std::vector<HostTensor> observedInputs;
};

class NetworkVerifier {
public:
  NetworkVerifier(const ast::Op &op, const LayerChecks &checks,
                  const VerifiedKernel &kernel, const VerifiedKernel &observed,
                  const VerifyOptions &options)
      : op(op), checks(checks), kernel(kernel), observed(observed),
        options(options), places(checks.outputPlaces()) {
    report.op = op.name;
  }
  Status add(const KernelProgram &program, VerifyCase plan);
  /// Runs what waits, in one process, and compares.
  Status flush(const KernelProgram &program);
  VerifyReport take() { return std::move(report); }

private:
  std::vector<Job> makeJobs(const PreparedCase &prepared) const;
  Status compare(const PreparedCase &prepared, llvm::ArrayRef<Job> jobs,
                 llvm::ArrayRef<JobResult> results);
  void compareOutputs(const JobResult &result, const Job &job,
                      const std::vector<HostTensor> &expected,
                      const std::vector<size_t> &from);

  const ast::Op &op;
  const LayerChecks &checks;
  const VerifiedKernel &kernel;
  const VerifiedKernel &observed;
  const VerifyOptions &options;
  std::vector<size_t> places; ///< Of the outputs among the observed ones.
  std::vector<PreparedCase> batch;
  int64_t batchBytes = 0;
  VerifyReport report;
};
} // namespace

/// For each split of tasks the second kernel and then the first.
std::vector<Job> NetworkVerifier::makeJobs(const PreparedCase &prepared) const {
  std::vector<Job> jobs;
  const VerifyCase &plan = prepared.plan;
  for (const JobSplit split : plan.splits) {
    jobs.push_back(makeJob(checks.observed(), observed.symbol, plan.sizes,
                           prepared.observedInputs));
    jobs.push_back(makeJob(op, kernel.symbol, plan.sizes, prepared.inputs));
    for (Job *job : {&jobs[jobs.size() - 2], &jobs.back()}) {
      job->split = split;
      job->description = describeCase(op, plan);
    }
  }
  return jobs;
}

/// Every output of a run must be that of the second kernel's first run.
void NetworkVerifier::compareOutputs(const JobResult &result, const Job &job,
                                     const std::vector<HostTensor> &expected,
                                     const std::vector<size_t> &from) {
  for (size_t i = 0; i < from.size(); ++i) {
    const ExpectedElements elements = {"output '" + job.outputs[i].name + "'",
                                       std::nullopt, expected[from[i]]};
    std::vector<std::string> differences;
    const size_t room = options.maxMessages - report.messages.size();
    report.mismatches += elements.compare(result.outputs[i], room, differences);
    for (const std::string &difference : differences) {
      report.messages.push_back(
          difference +
          ", unlike the kernel that stores the results of all "
          "layers (" +
          job.description + ", tasks split: " + jobSplitName(job.split) +
          ", kernel '" + result.symbol + "')");
    }
  }
}

Status NetworkVerifier::add(const KernelProgram &program, VerifyCase plan) {
  PreparedCase prepared;
  Result<std::vector<HostTensor>> inputs =
      makeInputs(op, plan.sizes, plan.kind, plan.seed);
  LPGEN_RETURN_IF_ERROR(inputs.status());
  prepared.inputs = std::move(*inputs);
  prepared.observedInputs = checks.inputsOf(prepared.inputs);
  prepared.plan = std::move(plan);
  for (const Job &job : makeJobs(prepared)) {
    for (const JobOutput &output : job.outputs) {
      // Sema bounds the number of elements, so this cannot overflow.
      batchBytes += countElements(output.shape).value_or(0) *
                    output.type.storageBits() / 8;
    }
  }
  batch.push_back(std::move(prepared));
  return batchBytes >= options.batchBytes ? flush(program) : Status::success();
}

Status NetworkVerifier::flush(const KernelProgram &program) {
  std::vector<Job> jobs;
  for (const PreparedCase &prepared : batch) {
    llvm::append_range(jobs, makeJobs(prepared));
  }
  if (jobs.empty()) {
    return Status::success();
  }
  const Result<std::vector<JobResult>> results = program.runJobs(jobs);
  LPGEN_RETURN_IF_ERROR(results.status());
  size_t first = 0;
  for (const PreparedCase &prepared : batch) {
    const size_t count = 2 * prepared.plan.splits.size();
    LPGEN_RETURN_IF_ERROR(
        compare(prepared, llvm::ArrayRef(jobs).slice(first, count),
                llvm::ArrayRef(*results).slice(first, count)));
    first += count;
  }
  batch.clear();
  batchBytes = 0;
  return Status::success();
}

Status NetworkVerifier::compare(const PreparedCase &prepared,
                                llvm::ArrayRef<Job> jobs,
                                llvm::ArrayRef<JobResult> results) {
  const std::vector<HostTensor> &found = results.front().outputs;
  const std::string description = describeCase(op, prepared.plan);
  const Status compared =
      checks.compare(prepared.plan.sizes, prepared.observedInputs, found,
                     prepared.plan.seed, options, description, report);
  if (!compared.ok()) {
    return Status::error("the interpreter cannot run operator '" + op.name +
                         "' (" + description + "): " + compared.message());
  }
  ++report.inputSets;
  std::vector<size_t> same(found.size());
  std::iota(same.begin(), same.end(), size_t{0});
  for (size_t i = 1; i < jobs.size(); ++i) {
    const bool isObserved = i % 2 == 0;
    report.runs += isObserved ? 0 : 1;
    report.symbol = isObserved ? report.symbol : results[i].symbol;
    compareOutputs(results[i], jobs[i], found, isObserved ? same : places);
  }
  return Status::success();
}

Result<VerifyReport> verifyNetwork(const ast::Op &op, const LayerChecks &checks,
                                   const VerifiedKernel &kernel,
                                   const VerifiedKernel &observed,
                                   const TargetDesc &target,
                                   const VerifyOptions &options) {
  // Where all results of layers are outputs, both are one kernel.
  std::vector<llvm::StringRef> objects = {kernel.object};
  if (observed.symbol != kernel.symbol) {
    objects.push_back(observed.object);
  }
  const Result<KernelProgram> program = KernelProgram::link(objects, target);
  LPGEN_RETURN_IF_ERROR(program.status());
  NetworkVerifier verifier(op, checks, kernel, observed, options);
  for (VerifyCase &plan : planCases(op, options.seed, options.randomCases,
                                    options.limits.maxSteps)) {
    LPGEN_RETURN_IF_ERROR(verifier.add(*program, std::move(plan)));
  }
  LPGEN_RETURN_IF_ERROR(verifier.flush(*program));
  return verifier.take();
}

} // namespace lpgen
