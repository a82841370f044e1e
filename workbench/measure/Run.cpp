// Kernel and peers side by side.
#include "workbench/measure/Run.h"
#include "workbench/measure/Clock.h"
#include "workbench/measure/FromMemory.h"
#include "workbench/measure/Inputs.h"
#include "workbench/measure/Peer.h"
#include "workbench/measure/TimedKernel.h"
#include <algorithm>
#include <cstdlib>

namespace lpgen {

/// True if no sum of the problem leaves 32 bits, where peers wrap.
static bool sumsFit32Bits(const PeerInputs &inputs) {
  const auto magnitude = [](const BenchTensor &tensor) {
    return double(std::max(std::abs(tensor.lo), std::abs(tensor.hi)));
  };
  return magnitude(inputs.xType) * magnitude(inputs.wType) *
             double(inputs.problem.reductionSize()) <=
         double(INT32_MAX);
}

/// Why a peer's result may differ from what is expected of it.
static Agreement disagreement(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::Saturating ? Agreement::Saturated
                                              : Agreement::Rounded;
}

/// Runs the peer once and compares its results with what our sums imply.
static Result<Agreement> compare(Peer &peer, const PeerInputs &inputs,
                                 const HostTensor &ours) {
  LPGEN_RETURN_IF_ERROR(peer.run());
  const Result<std::vector<int32_t>> theirs = peer.results();
  LPGEN_RETURN_IF_ERROR(theirs.status());
  if (theirs->empty() || !sumsFit32Bits(inputs)) {
    return Agreement::NotCompared;
  }
  if (int64_t(theirs->size()) != ours.numElements()) {
    return Status::error(
        peer.name() + " writes " + std::to_string(theirs->size()) +
        " results, the kernel " + std::to_string(ours.numElements()));
  }
  for (int64_t i = 0; i < ours.numElements(); ++i) {
    const int32_t expected = peer.expected(ours.getInt(i));
    if (expected == (*theirs)[size_t(i)]) {
      continue;
    }
    if (peer.arithmetic() != Arithmetic::Exact) {
      return disagreement(peer.arithmetic());
    }
    return Status::error("element " + shapeToString(ours.indicesAt(i)) +
                         " is " + std::to_string(ours.getInt(i)) +
                         " by the kernel, so " + std::to_string(expected) +
                         " is expected of " + peer.name() + ", which writes " +
                         std::to_string((*theirs)[size_t(i)]) +
                         "; try 'lpgen verify'");
  }
  return Agreement::Equal;
}

static Contender contenderFor(TimedKernel &kernel) {
  return {"lpgen", [&kernel] { return kernel.run(); }};
}

static Contender contenderFor(Peer &peer) {
  return {peer.name(), [&peer]() -> Result<Duration> {
            const double start = secondsNow();
            LPGEN_RETURN_IF_ERROR(peer.run());
            return Duration{secondsNow() - start, 0};
          }};
}

namespace {
/// The peers of one kernel and how their results compare.
struct Peers {
  std::vector<std::unique_ptr<Peer>> list;
  std::vector<Agreement> agreements;
};
} // namespace

static Result<Peers> preparePeers(const BenchJob &job,
                                  const BenchKernel &kernel,
                                  const std::vector<HostTensor> &tensors,
                                  const TimedKernel &ours, ThreadPool *pool,
                                  std::vector<std::string> &notes) {
  Peers peers;
  if (!kernel.problem) {
    notes.push_back("baselines, " + kernel.whyNoPeers);
    return peers;
  }
  const Problem &problem = *kernel.problem;
  const auto x = size_t(problem.x);
  const auto w = size_t(problem.w);
  const PeerInputs inputs{problem,     kernel.tensors[x], kernel.tensors[w],
                          tensors[x],  tensors[w],        pool,
                          job.threads, job.peerIsa};
  peers.list = makePeers(inputs, notes);
  for (const std::unique_ptr<Peer> &peer : peers.list) {
    Agreement agreement = Agreement::NotCompared;
    if (problem.result >= 0 && ours.writesLogical(size_t(problem.result))) {
      const Result<Agreement> compared =
          compare(*peer, inputs, tensors[size_t(problem.result)]);
      LPGEN_RETURN_IF_ERROR(compared.status());
      agreement = *compared;
    }
    peers.agreements.push_back(agreement);
  }
  return peers;
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
  const Result<Peers> peers =
      preparePeers(job, kernel, *tensors, *timed, pool, report.notes);
  LPGEN_RETURN_IF_ERROR(peers.status());
  std::vector<Contender> contenders = {contenderFor(*timed)};
  for (const std::unique_ptr<Peer> &peer : peers->list) {
    contenders.push_back(contenderFor(*peer));
  }
  Result<std::vector<Measurement>> measured =
      measure(contenders, job.repetitions, job.minSeconds);
  LPGEN_RETURN_IF_ERROR(measured.status());
  report.ours = std::move(measured->front());
  for (size_t i = 0; i < peers->list.size(); ++i) {
    report.peers.push_back({std::move((*measured)[i + 1]), peers->agreements[i],
                            peers->list[i]->implementation()});
  }
  if (job.fromMemory) {
    auto memory = measureFromMemory(job, *timed, pool, report.notes);
    LPGEN_RETURN_IF_ERROR(memory.status());
    report.fromMemory = std::move(*memory);
  }
  return report;
}

} // namespace lpgen
