// lpgen-bench: measures the kernels of a job file, which `lpgen bench` writes,
// beside implementations by others. Its data flow: job -> kernels and baselines
// -> measurements -> table and JSON.
#include "base/system/AtomicFile.h"
#include "base/system/ThreadPool.h"
#include "tools/Program.h"
#include "workbench/measure/Clock.h"
#include "workbench/measure/Job.h"
#include "workbench/measure/Report.h"
#include "workbench/measure/Run.h"
#include <iostream>
#include <memory>

using namespace lpgen;

namespace {
struct Arguments {
  std::string job;
  std::string json; ///< "" for none, "-" for standard output.
};
} // namespace

static constexpr int usageError = 2;

#ifdef LPGEN_BENCH_EMBEDDED_JOB
// bench/build-arm links the job in.
extern "C" const char lpgenEmbeddedJob[];
static constexpr bool hasEmbeddedJob = true;
#else
static constexpr const char *lpgenEmbeddedJob = "";
static constexpr bool hasEmbeddedJob = false;
#endif

static int fail(const std::string &message, int code = 1) {
  std::cerr << "lpgen-bench: error: " << message << "\n";
  return code;
}

/// Nothing if the command line is wrong.
static std::optional<Arguments> parseArguments(int argc, char **argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    if (text == "--json" && i + 1 < argc && argv[i + 1][0] != '\0') {
      arguments.json = argv[++i];
    } else if (arguments.job.empty() && !text.starts_with("-")) {
      arguments.job = text;
    } else {
      return std::nullopt;
    }
  }
  return arguments.job.empty() && !hasEmbeddedJob ? std::nullopt
                                                  : std::optional(arguments);
}

namespace {
struct Results {
  std::vector<KernelReport> reports;
  std::vector<Bandwidth> bandwidths;
};
} // namespace

static Result<Results> runJob(const BenchJob &job, bool wantsBandwidths) {
  std::unique_ptr<ThreadPool> pool;
  if (job.threads > 1) {
    pool = std::make_unique<ThreadPool>(job.threads);
    LPGEN_RETURN_IF_ERROR(pool->status());
  } else {
    LPGEN_RETURN_IF_ERROR(pinToCurrentCpu());
  }
  Results results;
  for (const BenchKernel &kernel : job.kernels) {
    Result<KernelReport> report = runKernel(job, kernel, pool.get());
    if (!report.ok()) {
      return Status::error("operator '" + kernel.op + "': " + report.message());
    }
    results.reports.push_back(std::move(*report));
  }
  if (wantsBandwidths) {
    Result<std::vector<Bandwidth>> measured = measureBandwidths(pool.get());
    LPGEN_RETURN_IF_ERROR(measured.status());
    results.bandwidths = std::move(*measured);
  }
  return results;
}

int main(int argc, char **argv) {
  startProgram();
  const std::optional<Arguments> arguments = parseArguments(argc, argv);
  if (!arguments) {
    return fail(hasEmbeddedJob
                    ? "usage: " + std::string(argv[0]) + " [--json FILE|-]"
                    : "usage: lpgen-bench JOB.json [--json FILE|-]; 'lpgen "
                      "bench FILE.lp' writes the job and calls this program",
                usageError);
  }
  const Result<BenchJob> job = arguments->job.empty()
                                   ? parseJobText(lpgenEmbeddedJob, "built-in")
                                   : readJob(arguments->job);
  if (!job.ok()) {
    return fail(job.message());
  }
  const Result<Results> results = runJob(*job, !arguments->json.empty());
  if (!results.ok()) {
    return fail(results.message());
  }
  const std::string json =
      formatJson(*job, results->reports, results->bandwidths);
  std::cout << (arguments->json == "-" ? json
                                       : formatText(*job, results->reports));
  if (const Status printed = flushStandardOutput(); !printed.ok()) {
    return fail(printed.message());
  }
  if (!arguments->json.empty() && arguments->json != "-") {
    const Status written = writeFileAtomically(arguments->json, json);
    return written.ok() ? 0 : fail(written.message());
  }
  return 0;
}
