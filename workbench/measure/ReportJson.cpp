// The report as JSON. Times in milliseconds.
#include "workbench/measure/Clock.h"
#include "workbench/measure/Means.h"
#include "workbench/measure/Report.h"
#include <nlohmann/json.hpp>

namespace lpgen {

// Keys in the order written.
using OrderedJson = nlohmann::ordered_json;

static OrderedJson optionalNumber(const std::optional<double> &value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

static OrderedJson timingToJson(const Timing &timing,
                                const KernelReport &report) {
  const Timing &ours = report.ours.compute;
  OrderedJson value;
  value["minMs"] = timing.minSeconds * 1e3;
  value["medianMs"] = timing.medianSeconds * 1e3;
  value["macPerCycle"] = optionalNumber(macsPerCycle(report.macs(), timing));
  value["macPerCycleMedian"] =
      timing.medianCycles
          ? OrderedJson(double(report.macs()) / *timing.medianCycles)
          : OrderedJson(nullptr);
  value["gops"] = optionalNumber(gigaOps(report.macs(), timing));
  value["timeOverLpgen"] = timing.minSeconds / ours.minSeconds;
  value["timeOverLpgenMedian"] = timing.medianSeconds / ours.medianSeconds;
  return value;
}

static const char *agreementName(Agreement agreement) {
  switch (agreement) {
  case Agreement::NotCompared:
    return "not compared";
  case Agreement::Equal:
    return "equal";
  case Agreement::Saturated:
    return "saturates";
  case Agreement::Rounded:
    return "rounds";
  }
  return "";
}

/// The shared product, as far as a reader of the report wants to know it.
static OrderedJson problemToJson(const BenchKernel &kernel) {
  if (!kernel.problem) {
    return nullptr;
  }
  const Problem &problem = *kernel.problem;
  OrderedJson value;
  value["kind"] = problemKind(problem);
  value["x"] = kernel.tensors[size_t(problem.x)].type.str();
  value["w"] = kernel.tensors[size_t(problem.w)].type.str();
  value["pixels"] = problem.pixels();
  value["outChannels"] = problem.outChannels;
  value["channels"] = problem.channels;
  value["kernel"] = {problem.kernelH, problem.kernelW};
  value["stride"] = {problem.strideH, problem.strideW};
  return value;
}

static OrderedJson memoryToJson(const KernelReport &report) {
  if (!report.fromMemory) {
    return nullptr;
  }
  const MemoryReport &memory = *report.fromMemory;
  OrderedJson value = timingToJson(memory.ours.compute, report);
  value["copies"] = memory.copies;
  value["copyBytes"] = memory.copyBytes;
  value["gbPerSecond"] = memory.rate(memory.ours) * 1e-9;
  value["readGbPerSecond"] = memory.rate(memory.read) * 1e-9;
  value["ratio"] = memory.ratio();
  return value;
}

/// Null for an operator without layers.
static OrderedJson layersToJson(const KernelReport &report) {
  const BenchKernel &kernel = *report.kernel;
  if (kernel.layers.empty()) {
    return nullptr;
  }
  OrderedJson list = OrderedJson::array();
  const std::vector<LayerTime> times = layerTimes(report);
  for (size_t i = 0; i < times.size(); ++i) {
    const BenchLayer &layer = kernel.layers[i];
    list.push_back(
        {{"name", layer.name},
         {"result", layer.result},
         {"macs", layer.macs},
         {"computedIn", kernel.layers[size_t(layer.computedIn)].name},
         {"ms", times[i].seconds * 1e3},
         {"share", times[i].share},
         {"macPerCycle", optionalNumber(times[i].macsPerCycle)}});
  }
  return list;
}

static OrderedJson kernelToJson(const KernelReport &report) {
  const BenchKernel &kernel = *report.kernel;
  OrderedJson value;
  value["op"] = kernel.op;
  value["kernel"] = report.symbol;
  value["schedules"] = kernel.schedules;
  value["problem"] = problemToJson(kernel);
  value["bytes"] = report.bytes;
  value["nominalMacs"] = kernel.nominalMacs;
  value["realMacs"] =
      kernel.realMacs ? OrderedJson(*kernel.realMacs) : OrderedJson(nullptr);
  value["frequencyGhz"] = report.ours.frequency
                              ? OrderedJson(*report.ours.frequency * 1e-9)
                              : OrderedJson(nullptr);
  value["executions"] = report.ours.executions;
  value["compute"] = timingToJson(report.ours.compute, report);
  value["withPacking"] = timingToJson(report.ours.total, report);
  value["layers"] = layersToJson(report);
  value["batch"] = kernel.batch;
  value["imagesPerSecond"] =
      kernel.batch > 0
          ? OrderedJson(double(kernel.batch) / report.ours.total.minSeconds)
          : OrderedJson(nullptr);
  value["peers"] = OrderedJson::array();
  for (const BaselineReport &baseline : report.baselines) {
    OrderedJson entry;
    entry["name"] = baseline.measurement.name;
    entry["implementation"] = baseline.implementation;
    entry["executions"] = baseline.measurement.executions;
    entry["results"] = agreementName(baseline.agreement);
    entry.update(timingToJson(baseline.measurement.compute, report));
    value["peers"].push_back(std::move(entry));
  }
  value["fromMemory"] = memoryToJson(report);
  value["estimates"] = OrderedJson::array();
  for (const Estimate &estimate : kernel.estimates) {
    value["estimates"].push_back(
        {{"cpu", estimate.cpu}, {"macPerCycle", estimate.macsPerCycle}});
  }
  value["notMeasured"] = report.notes;
  return value;
}

std::string formatJson(const BenchJob &job,
                       const std::vector<KernelReport> &reports,
                       const std::vector<Bandwidth> &bandwidths) {
  OrderedJson value;
  value["cpu"] = cpuModelName();
  value["cpuName"] = job.hostCpu;
  value["target"] = job.target;
  value["threads"] = job.threads;
  value["peerIsa"] = job.baselineIsa;
  value["bandwidths"] = OrderedJson::array();
  for (const Bandwidth &bandwidth : bandwidths) {
    OrderedJson entry;
    entry["level"] = bandwidth.level;
    entry["bytes"] = bandwidth.bytes;
    entry["gbPerSecond"] = bandwidth.perSecond * 1e-9;
    entry["bytesPerCycle"] = optionalNumber(bandwidth.perCycle);
    value["bandwidths"].push_back(std::move(entry));
  }
  value["ops"] = OrderedJson::array();
  for (const KernelReport &report : reports) {
    value["ops"].push_back(kernelToJson(report));
  }
  value["geometricMeans"] = OrderedJson::array();
  for (const Mean &mean : geometricMeans(reports)) {
    OrderedJson entry;
    entry["name"] = mean.name;
    entry["macPerCycle"] = optionalNumber(mean.macsPerCycle);
    entry["gops"] = mean.gigaOps;
    entry["timeOverLpgen"] = mean.ratio;
    entry["timeOverLpgenMedian"] = mean.medianRatio;
    value["geometricMeans"].push_back(std::move(entry));
  }
  return value.dump(2) + "\n";
}

} // namespace lpgen
