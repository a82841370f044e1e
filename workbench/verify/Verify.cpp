// Makes inputs, runs kernels on them in batches, compares.
#include "workbench/verify/Verify.h"
#include "workbench/run/KernelProgram.h"
#include "workbench/verify/Cases.h"
#include "workbench/verify/OpJob.h"

namespace lpgen {

namespace {
/// A case that waits for its batch to run.
struct PendingCase {
  size_t item = 0;
  std::string description;
  std::vector<HostTensor> tensors; ///< Inputs first, as makeInputs gives them.
  VerifyCase plan;
};

/// Collects cases until a batch is full, runs them and adds to the reports.
class Verifier {
public:
  Verifier(llvm::ArrayRef<VerifyItem> items, KernelProgram program,
           const VerifyOptions &options)
      : items(items), program(std::move(program)), options(options),
        reports(items.size()) {}

  Status add(size_t item, VerifyCase plan);
  Status flush();
  std::vector<VerifyReport> take() { return std::move(reports); }

private:
  Status check(PendingCase &pending, llvm::ArrayRef<Job> jobs,
               llvm::ArrayRef<JobResult> results);
  void compare(const PendingCase &pending, const Job &job,
               const JobResult &result, const Expectation &expected);

  llvm::ArrayRef<VerifyItem> items;
  KernelProgram program;
  const VerifyOptions &options;
  std::vector<PendingCase> batch;
  int64_t batchBytes = 0;
  std::vector<VerifyReport> reports;
};
} // namespace

Status Verifier::add(size_t item, VerifyCase plan) {
  const ast::Op &op = *items[item].op;
  PendingCase pending;
  pending.item = item;
  pending.description = describeCase(op, plan);
  Result<std::vector<HostTensor>> inputs =
      makeInputs(op, plan.sizes, plan.kind, plan.seed);
  LPGEN_RETURN_IF_ERROR(inputs.status());
  pending.tensors = std::move(*inputs);
  int64_t bytes = 0;
  for (const HostTensor &tensor : pending.tensors) {
    bytes += tensor.byteSize();
  }
  const Interpreter shapes(op, plan.sizes);
  for (size_t id = op.numInputs(); id < op.tensors.size(); ++id) {
    if (op.tensors[id].role == ast::Role::Output) {
      // Sema bounds the number of elements, so this cannot overflow.
      bytes += countElements(shapes.shapeOf(unsigned(id))).value_or(0) *
               op.tensors[id].type.storageBits() / 8;
    }
  }
  batchBytes += bytes * int64_t(plan.splits.size());
  pending.plan = std::move(plan);
  batch.push_back(std::move(pending));
  return batchBytes >= options.batchBytes ? flush() : Status::success();
}

Status Verifier::flush() {
  std::vector<Job> jobs;
  for (const PendingCase &pending : batch) {
    const VerifyItem &item = items[pending.item];
    for (JobSplit split : pending.plan.splits) {
      Job job =
          makeJob(*item.op, item.kernel, pending.plan.sizes, pending.tensors);
      job.description = pending.description;
      job.split = split;
      jobs.push_back(std::move(job));
    }
  }
  if (jobs.empty()) {
    return Status::success();
  }
  const Result<std::vector<JobResult>> results = program.runJobs(jobs);
  LPGEN_RETURN_IF_ERROR(results.status());
  size_t first = 0;
  for (PendingCase &pending : batch) {
    const size_t count = pending.plan.splits.size();
    LPGEN_RETURN_IF_ERROR(check(pending,
                                llvm::ArrayRef(jobs).slice(first, count),
                                llvm::ArrayRef(*results).slice(first, count)));
    first += count;
  }
  batch.clear();
  batchBytes = 0;
  return Status::success();
}

Status Verifier::check(PendingCase &pending, llvm::ArrayRef<Job> jobs,
                       llvm::ArrayRef<JobResult> results) {
  const ast::Op &op = *items[pending.item].op;
  const Result<Expectation> expected =
      Expectation::compute(op, pending.plan.sizes, std::move(pending.tensors),
                           pending.plan.seed, options.limits);
  if (!expected.ok()) {
    return Status::error("the interpreter cannot run operator '" + op.name +
                         "' (" + pending.description +
                         "): " + expected.message());
  }
  VerifyReport &report = reports[pending.item];
  ++report.inputSets;
  report.isSampled |= expected->isSampled();
  for (size_t i = 0; i < jobs.size(); ++i) {
    ++report.runs;
    report.symbol = results[i].symbol;
    report.elements += expected->numElements();
    compare(pending, jobs[i], results[i], *expected);
  }
  return Status::success();
}

void Verifier::compare(const PendingCase &pending, const Job &job,
                       const JobResult &result, const Expectation &expected) {
  VerifyReport &report = reports[pending.item];
  for (size_t output = 0; output < job.outputs.size(); ++output) {
    std::vector<std::string> differences;
    const size_t room = options.maxMessages - report.messages.size();
    report.mismatches +=
        expected.compare(output, result.outputs[output], room, differences);
    for (const std::string &difference : differences) {
      report.messages.push_back(difference + " (" + pending.description +
                                ", tasks split: " + jobSplitName(job.split) +
                                ", kernel '" + result.symbol + "')");
    }
  }
}

Result<std::vector<VerifyReport>> verifyOps(llvm::ArrayRef<VerifyItem> items,
                                            const TargetDesc &target,
                                            const VerifyOptions &options) {
  std::vector<llvm::StringRef> objects;
  for (const VerifyItem &item : items) {
    if (!item.object.empty()) {
      objects.push_back(item.object);
    }
  }
  Result<KernelProgram> program = KernelProgram::link(objects, target);
  LPGEN_RETURN_IF_ERROR(program.status());
  Verifier verifier(items, std::move(*program), options);
  for (size_t item = 0; item < items.size(); ++item) {
    for (VerifyCase &plan :
         planCases(*items[item].op, options.seed, options.randomCases,
                   options.limits.maxSteps)) {
      LPGEN_RETURN_IF_ERROR(verifier.add(item, std::move(plan)));
    }
  }
  LPGEN_RETURN_IF_ERROR(verifier.flush());
  std::vector<VerifyReport> reports = verifier.take();
  for (size_t item = 0; item < items.size(); ++item) {
    reports[item].op = items[item].op->name;
  }
  return reports;
}

} // namespace lpgen
