// The text table.
#include "workbench/measure/Report.h"
#include "base/system/Table.h"
#include "workbench/measure/Clock.h"
#include "workbench/measure/Means.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace lpgen {

/// printf to a string.
__attribute__((format(printf, 1, 2))) static std::string
format(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  char buffer[512];
  const int length = std::vsnprintf(buffer, sizeof(buffer), pattern, arguments);
  va_end(arguments);
  return {buffer, size_t(std::clamp(length, 0, int(sizeof(buffer)) - 1))};
}

static std::string formatRate(const std::optional<double> &rate) {
  return rate ? format("%.1f", *rate) : "-";
}

namespace {
/// One line of the table.
struct Row {
  std::string name;
  std::string rate;
  std::string ops;
  std::string minMs;
  std::string medianMs;
  std::string ratio;
  std::string medianRatio;
  std::string remark;
};
} // namespace

static Row makeRow(const KernelReport &report, const std::string &name,
                   const Timing &timing) {
  const Timing &ours = report.ours.compute;
  Row row;
  row.name = name;
  row.rate = formatRate(macsPerCycle(report.macs(), timing));
  row.ops = formatRate(gigaOps(report.macs(), timing));
  row.minMs = format("%.4f", timing.minSeconds * 1e3);
  row.medianMs = format("%.4f", timing.medianSeconds * 1e3);
  row.ratio = format("%.2f", timing.minSeconds / ours.minSeconds);
  row.medianRatio = format("%.2f", timing.medianSeconds / ours.medianSeconds);
  return row;
}

static std::string remarkOf(const BaselineReport &baseline) {
  switch (baseline.agreement) {
  case Agreement::NotCompared:
    return "";
  case Agreement::Equal:
    return "equal results";
  case Agreement::Saturated:
    return "saturates: other results";
  case Agreement::Rounded:
    return "rounds: other results";
  }
  return "";
}

static std::string formatRows(const std::vector<Row> &rows) {
  size_t width = 0;
  for (const Row &row : rows) {
    width = std::max(width, row.name.size());
  }
  std::string text;
  for (const Row &row : rows) {
    std::string line =
        format("  %-*s %9s %8s %10s %10s %9s %9s  %s", int(width),
               row.name.c_str(), row.rate.c_str(), row.ops.c_str(),
               row.minMs.c_str(), row.medianMs.c_str(), row.ratio.c_str(),
               row.medianRatio.c_str(), row.remark.c_str());
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

static Row heading() {
  return {"",          "MAC/cycle", "GOP/s",    "min ms",
          "median ms", "time x",    "median x", ""};
}

static std::string formatMemory(const MemoryReport &memory) {
  return format(
      "  packed inputs from memory, %d copies of %.2f MB in turn: the "
      "kernel reads %.2f GB/s, a plain read %.2f GB/s, ratio %.3f\n",
      memory.copies, 1e-6 * double(memory.copyBytes),
      1e-9 * memory.rate(memory.ours), 1e-9 * memory.rate(memory.read),
      memory.ratio());
}

/// A baseline has one result, a kernel one or more.
static std::string formatOutputs(const KernelReport &report) {
  std::string names;
  int outputs = 0;
  for (const BenchTensor &tensor : report.kernel->tensors) {
    if (!tensor.isInput) {
      names += (names.empty() ? "" : ", ") + tensor.name;
      ++outputs;
    }
  }
  return outputs < 2 || report.baselines.empty()
             ? ""
             : "  lpgen writes " + names + "; a baseline writes one of them\n";
}

std::vector<LayerTime> layerTimes(const KernelReport &report) {
  const std::vector<BenchLayer> &layers = report.kernel->layers;
  std::vector<LayerTime> times(layers.size());
  const Timing &total = report.ours.total;
  for (size_t i = 0; i < layers.size(); ++i) {
    times[i].seconds = report.ours.layers[i];
    times[i].share = times[i].seconds / total.minSeconds;
    times[size_t(layers[i].computedIn)].macs += layers[i].macs;
  }
  for (LayerTime &time : times) {
    if (total.minCycles && time.macs > 0 && time.seconds > 0) {
      time.macsPerCycle = double(time.macs) / (*total.minCycles * time.share);
    }
  }
  return times;
}

/// The layers of a network with the share of each, and what all take.
static std::string formatLayers(const KernelReport &report) {
  const std::vector<BenchLayer> &layers = report.kernel->layers;
  const std::vector<LayerTime> times = layerTimes(report);
  const Timing &total = report.ours.total;
  std::vector<std::vector<std::string>> rows = {
      {"layer", "result", "", "M MAC", "ms", "share", "MAC/cycle"}};
  const auto add = [&](const BenchLayer &layer, const std::string &note,
                       int64_t macs, const LayerTime &time) {
    rows.push_back(
        {layer.name, layer.result, note, format("%.3f", double(macs) * 1e-6),
         format("%.4f", time.seconds * 1e3),
         format("%.1f %%", time.share * 100), formatRate(time.macsPerCycle)});
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto in = size_t(layers[i].computedIn);
    add(layers[i], in == i ? "" : "in " + layers[in].name, layers[i].macs,
        times[i]);
  }
  add({"total", "", 0, 0}, "", report.macs(),
      {total.minSeconds, 1, 0, macsPerCycle(report.macs(), total)});
  std::string text = formatTable(rows, 3);
  const int64_t batch = report.kernel->batch;
  text += format("  latency %.4f ms (median %.4f), packing of activations "
                 "included",
                 total.minSeconds * 1e3, total.medianSeconds * 1e3);
  return text + (batch > 0 ? format("; batch of %lld: %.1f images/s\n",
                                    static_cast<long long>(batch),
                                    double(batch) / total.minSeconds)
                           : "\n");
}

static std::string formatKernel(const KernelReport &report) {
  const BenchKernel &kernel = *report.kernel;
  std::string text = kernel.op + ": kernel " + report.symbol + "\n";
  for (const std::string &schedule : kernel.schedules) {
    text += "  schedule " + schedule + "\n";
  }
  text += format("  %.3f M multiply-accumulates", 1e-6 * double(report.macs()));
  if (!kernel.realMacs) {
    text += ", reads outside tensors included";
  } else if (*kernel.realMacs != kernel.nominalMacs) {
    text += format(" inside the tensors (%.3f M with the padding)",
                   1e-6 * double(kernel.nominalMacs));
  }
  text += "\n" + formatOutputs(report);
  std::vector<Row> rows = {
      heading(), makeRow(report, report.ours.name, report.ours.compute)};
  if (report.ours.hasPacking) {
    rows.push_back(makeRow(report, report.ours.name + ", packing included",
                           report.ours.total));
  }
  for (const BaselineReport &baseline : report.baselines) {
    rows.push_back(makeRow(report, baseline.measurement.name,
                           baseline.measurement.compute));
    rows.back().remark = remarkOf(baseline);
    if (!baseline.implementation.empty()) {
      rows.back().remark +=
          (rows.back().remark.empty() ? "" : "; ") + baseline.implementation;
    }
  }
  if (report.fromMemory) {
    rows.push_back(makeRow(report, "lpgen, packed inputs from memory",
                           report.fromMemory->ours.compute));
  }
  text += formatRows(rows);
  if (report.fromMemory) {
    text += formatMemory(*report.fromMemory);
  }
  if (!kernel.layers.empty()) {
    text += formatLayers(report);
  }
  for (const Estimate &estimate : kernel.estimates) {
    text += format("  LLVM-MCA, hot loop alone: %s %.1f MAC/cycle\n",
                   estimate.cpu.c_str(), estimate.macsPerCycle);
  }
  for (const std::string &note : report.notes) {
    text += "  not measured: " + note + "\n";
  }
  return text;
}

static std::string formatMeans(const std::vector<KernelReport> &reports) {
  std::vector<Row> rows = {heading()};
  rows.front().minMs = rows.front().medianMs = "";
  for (const Mean &mean : geometricMeans(reports)) {
    rows.push_back(
        {mean.name, formatRate(mean.macsPerCycle), formatRate(mean.gigaOps), "",
         "", format("%.2f", mean.ratio), format("%.2f", mean.medianRatio), ""});
  }
  const auto counted = std::ranges::count_if(
      reports, [](const KernelReport &report) { return report.macs() > 0; });
  return format("geometric means over %d operators with sums\n", int(counted)) +
         formatRows(rows);
}

std::string formatText(const BenchJob &job,
                       const std::vector<KernelReport> &reports) {
  std::string text = cpuModelName() + " (" + job.hostCpu + "), target " +
                     job.target + ", " + std::to_string(job.threads) +
                     (job.threads == 1 ? " thread" : " threads");
  if (!reports.empty() && reports.front().ours.frequency) {
    text += format(", %.2f GHz", *reports.front().ours.frequency * 1e-9);
  }
  text += "\nweights packed beforehand; baselines also have their activations "
          "packed; time x, median x: time divided by lpgen's, by minima "
          "and by medians\n";
  for (const KernelReport &report : reports) {
    text += "\n" + formatKernel(report);
  }
  if (reports.size() > 1) {
    text += "\n" + formatMeans(reports);
  }
  return text;
}

} // namespace lpgen
