// Writing job files and reading result files.
#include "workbench/run/JobFile.h"
#include "base/tensor/Strides.h"
#include "runtime/kernels/KernelRunner.h"
#include "llvm/ADT/StringExtras.h"
#include <cstring>

namespace lpgen {

const char *jobSplitName(JobSplit split) {
  switch (split) {
  case JobSplitWhole:
    return "whole";
  case JobSplitReverse:
    return "reverse";
  case JobSplitChunks:
    return "chunks";
  }
  return "unknown";
}

static void append(std::string &to, const void *bytes, size_t count) {
  to.append(static_cast<const char *>(bytes), count);
}

static void pad(std::string &text) { text.resize((text.size() + 7) / 8 * 8); }

int64_t JobOutput::byteSize() const {
  const int64_t elements = strides.empty() ? countElements(shape).value_or(0)
                                           : spanOf(shape, strides);
  return elements * type.storageBits() / 8;
}

/// What is in the buffer of an input: of a view, also what lies between its
/// elements.
static std::string bytesOf(const Job &job, size_t input) {
  const HostTensor &tensor = *job.inputs[input];
  const auto *data = static_cast<const char *>(tensor.data());
  if (input >= job.inputStrides.size() || job.inputStrides[input].empty()) {
    return {data, size_t(tensor.byteSize())};
  }
  const std::vector<int64_t> &strides = job.inputStrides[input];
  const int64_t bytes = tensor.type().storageBits() / 8;
  constexpr char gap = '\x5a';
  std::string view(size_t(spanOf(tensor.shape(), strides) * bytes), gap);
  copyView(tensor.shape(), bytes, data, denseStrides(tensor.shape()),
           view.data(), strides);
  return view;
}

static void encodeJob(std::string &file, const Job &job) {
  const size_t start = file.size();
  JobHeader header = {};
  header.nameBytes = job.kernel.size();
  header.split = job.split;
  header.numSizes = job.sizes.size();
  header.numBuffers = job.inputs.size() + job.outputs.size();
  header.numInputs = job.inputs.size();
  header.timedNanoseconds = uint64_t(job.timedSeconds * 1e9);
  append(file, &header, sizeof(header));
  file += job.kernel;
  pad(file);
  append(file, job.sizes.data(), job.sizes.size() * sizeof(int64_t));
  std::vector<std::string> inputs;
  for (size_t i = 0; i < job.inputs.size(); ++i) {
    inputs.push_back(bytesOf(job, i));
    const uint64_t bytes = inputs.back().size();
    append(file, &bytes, sizeof(bytes));
  }
  for (const JobOutput &output : job.outputs) {
    const uint64_t bytes = uint64_t(output.byteSize());
    append(file, &bytes, sizeof(bytes));
  }
  for (const std::string &input : inputs) {
    file += input;
    pad(file);
  }
  header.bytes = file.size() - start;
  std::memcpy(file.data() + start, &header, sizeof(header));
}

std::string encodeJobs(llvm::ArrayRef<Job> jobs) {
  std::string file;
  const JobFileHeader header = {LPGEN_JOB_MAGIC, jobs.size()};
  append(file, &header, sizeof(header));
  for (const Job &job : jobs) {
    encodeJob(file, job);
  }
  return file;
}

/// "input 'x'", "packed input 'w'", "the workspace".
static std::string describeRegion(const Job &job, const ResultRecord &record) {
  switch (record.region) {
  case RegionBuffer:
  case RegionPacked: {
    const size_t inputs = job.inputs.size();
    const bool isInput = record.index < inputs;
    const std::string name = isInput ? job.inputNames[record.index]
                                     : job.outputs[record.index - inputs].name;
    return std::string(record.region == RegionPacked ? "packed " : "") +
           (isInput ? "input '" : "output '") + name + "'";
  }
  case RegionWorkspace:
    return "the workspace";
  case RegionScratch:
    return "the scratch memory";
  default:
    return "no buffer of the kernel";
  }
}

static std::string describeFault(const Job &job, const ResultRecord &record) {
  std::string text = "died with signal " + std::to_string(record.code);
  if (record.region == RegionNone) {
    return text + " at address 0x" + llvm::utohexstr(record.address) +
           ", which is in no buffer of the kernel (a wild pointer, a "
           "misaligned vector access or an instruction this CPU lacks)";
  }
  const int64_t size = int64_t(record.size);
  text += " at byte " + std::to_string(record.offset) + " of " +
          describeRegion(job, record) + ", which has " + std::to_string(size) +
          " bytes";
  const bool inside = record.offset >= 0 && record.offset < size;
  return text + (inside ? " and must not be written" : "");
}

/// Why a job failed, from its Done record.
static std::string describeOutcome(const Job &job, const ResultRecord &record) {
  const std::string detail = std::to_string(record.detail);
  const std::string index = std::to_string(record.index);
  switch (record.code) {
  case JobNoKernel:
    return "no such kernel is linked into the kernel program";
  case JobWrongAbi:
    return "it has ABI version " + detail + ", expected " +
           std::to_string(LP_ABI_VERSION);
  case JobWrongCounts:
    return "its descriptor disagrees on the numbers of buffers, inputs or "
           "run-time sizes (expected " +
           std::to_string(job.inputs.size() + job.outputs.size()) + ", " +
           std::to_string(job.inputs.size()) + " and " +
           std::to_string(job.sizes.size()) + ")";
  case JobNoMemory:
    return "no memory for " + detail + " bytes";
  case JobBadTasks:
    return "phase " + index + " has " + detail + " tasks";
  case JobPackFailed:
    return "packing input '" + job.inputNames[record.index] +
           "': " + describeKernelStatus(int(record.detail));
  case JobKernelFailed:
    return "phase " + index + ": " + describeKernelStatus(int(record.detail));
  case JobOverrun:
    return "bytes around " + describeRegion(job, record) + " (" +
           std::to_string(record.size) + " bytes) were overwritten";
  case JobPackedOutput:
    return "output '" + job.outputs[record.index - job.inputs.size()].name +
           "' is written packed and has no logical form";
  case JobBadSize:
    return "the size function of " + describeRegion(job, record) + " returns " +
           detail;
  default:
    return "unknown outcome " + std::to_string(record.code);
  }
}

/// "job 3 of 8 (random inputs, seed 1; tasks split: whole)".
static std::string describeJob(llvm::ArrayRef<Job> jobs, size_t number) {
  const Job &job = jobs[number];
  return "job " + std::to_string(number + 1) + " of " +
         std::to_string(jobs.size()) + " (" +
         (job.description.empty() ? "" : job.description + "; ") +
         "tasks split: " + jobSplitName(job.split) + ")";
}

namespace {
/// Walks over the records of a result file.
class ResultReader {
public:
  ResultReader(llvm::StringRef bytes, llvm::ArrayRef<Job> jobs)
      : rest(bytes), jobs(jobs), results(jobs.size()) {}

  Status read();
  std::vector<JobResult> take() { return std::move(results); }
  size_t jobsDone() const { return done; }
  bool hasStarted() const { return started; }

private:
  bool next(ResultRecord &record, llvm::StringRef &content);
  Status handle(const ResultRecord &record, llvm::StringRef content);
  Status handleOutput(const ResultRecord &record, llvm::StringRef content);
  Status handleTiming(llvm::StringRef content);
  Status failure(const std::string &what) const;

  llvm::StringRef rest;
  llvm::ArrayRef<Job> jobs;
  std::vector<JobResult> results;
  size_t done = 0; ///< Also the number of the job at work.
  bool started = false;
};
} // namespace

bool ResultReader::next(ResultRecord &record, llvm::StringRef &content) {
  if (rest.size() < sizeof(record)) {
    return false;
  }
  std::memcpy(&record, rest.data(), sizeof(record));
  rest = rest.drop_front(sizeof(record));
  if (record.bytes > rest.size()) {
    return false;
  }
  content = rest.take_front(record.bytes);
  rest = rest.drop_front(
      std::min<size_t>((record.bytes + 7) / 8 * 8, rest.size()));
  return true;
}

Status ResultReader::failure(const std::string &what) const {
  const std::string &symbol = results[done].symbol;
  const std::string &kernel = symbol.empty() ? jobs[done].kernel : symbol;
  return Status::error("kernel '" + kernel + "' in " + describeJob(jobs, done) +
                       ": " + what);
}

Status ResultReader::handleOutput(const ResultRecord &record,
                                  llvm::StringRef content) {
  const Job &job = jobs[done];
  const JobOutput &output = job.outputs[record.index - job.inputs.size()];
  HostTensor tensor(output.type, output.shape);
  const int64_t expected =
      output.strides.empty() ? tensor.byteSize() : output.byteSize();
  if (uint64_t(expected) != content.size()) {
    return failure("the result file has " + std::to_string(content.size()) +
                   " bytes for output '" + output.name + "', expected " +
                   std::to_string(expected));
  }
  if (!content.empty()) {
    const std::vector<int64_t> dense = denseStrides(output.shape);
    const std::vector<int64_t> &strides =
        output.strides.empty() ? dense : output.strides;
    const int64_t bytes = output.type.storageBits() / 8;
    copyView(output.shape, bytes, content.data(), strides, tensor.data(),
             dense);
    std::string untouched(content.size(), char(LPGEN_JOB_FILL));
    copyView(output.shape, bytes, tensor.data(), dense, untouched.data(),
             strides);
    if (content != untouched) {
      return failure("bytes between the elements of output '" + output.name +
                     "' were written");
    }
  }
  results[done].outputs.push_back(std::move(tensor));
  return Status::success();
}

Status ResultReader::handleTiming(llvm::StringRef content) {
  JobTiming timing;
  if (content.size() != sizeof(timing)) {
    return failure("the result file has " + std::to_string(content.size()) +
                   " bytes of timing, expected " +
                   std::to_string(sizeof(timing)));
  }
  std::memcpy(&timing, content.data(), sizeof(timing));
  results[done].timing = {
      int64_t(timing.executions), double(timing.minPicoseconds) * 1e-12,
      double(timing.medianPicoseconds) * 1e-12,
      timing.hertz == 0 ? std::nullopt : std::optional(double(timing.hertz))};
  return Status::success();
}

Status ResultReader::handle(const ResultRecord &record,
                            llvm::StringRef content) {
  switch (record.kind) {
  case RecordStart:
    started = true;
    return Status::success();
  case RecordSymbol:
    results[done].symbol = content.str();
    return Status::success();
  case RecordOutput:
    return handleOutput(record, content);
  case RecordTiming:
    return handleTiming(content);
  case RecordFault:
    return failure(describeFault(jobs[done], record));
  default:
    if (record.code != JobOk) {
      return failure(describeOutcome(jobs[done], record));
    }
    ++done;
    started = false;
    return Status::success();
  }
}

Status ResultReader::read() {
  ResultRecord record;
  llvm::StringRef content;
  while (done < jobs.size() && next(record, content)) {
    LPGEN_RETURN_IF_ERROR(handle(record, content));
  }
  return Status::success();
}

Result<std::vector<JobResult>> decodeResults(llvm::StringRef bytes,
                                             llvm::ArrayRef<Job> jobs,
                                             const std::string &processEnd) {
  ResultReader reader(bytes, jobs);
  LPGEN_RETURN_IF_ERROR(reader.read());
  if (reader.jobsDone() == jobs.size()) {
    return reader.take();
  }
  const size_t number = reader.jobsDone();
  return Status::error("the kernel program " + processEnd +
                       (reader.hasStarted() ? " in " : " before ") +
                       describeJob(jobs, number) + ", kernel '" +
                       jobs[number].kernel + "'");
}

} // namespace lpgen
