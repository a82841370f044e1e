// Geometric means and the figures that they are taken of.
#include "workbench/measure/Means.h"
#include <cmath>
#include <functional>

namespace lpgen {

std::optional<double> macsPerCycle(int64_t macs, const Timing &timing) {
  if (!timing.minCycles || macs == 0) {
    return std::nullopt;
  }
  return double(macs) / *timing.minCycles;
}

std::optional<double> gigaOps(int64_t macs, const Timing &timing) {
  if (macs == 0) {
    return std::nullopt;
  }
  return 2e-9 * double(macs) / timing.minSeconds;
}

using Reports = std::vector<const KernelReport *>;
/// The timing of one subject in one kernel's report, or null.
using Select = std::function<const Timing *(const KernelReport &)>;

static std::optional<Mean> meanOf(const Reports &reports, std::string name,
                                  const Select &select) {
  double cycleLogs = 0;
  double opLogs = 0;
  double ratioLogs = 0;
  double medianRatioLogs = 0;
  bool haveCycles = true;
  for (const KernelReport *report : reports) {
    const Timing *timing = select(*report);
    if (!timing) {
      return std::nullopt;
    }
    const std::optional<double> rate = macsPerCycle(report->macs(), *timing);
    haveCycles &= rate.has_value();
    cycleLogs += std::log(rate.value_or(1));
    opLogs += std::log(gigaOps(report->macs(), *timing).value_or(1));
    const Timing &ours = report->ours.compute;
    ratioLogs += std::log(timing->minSeconds / ours.minSeconds);
    medianRatioLogs += std::log(timing->medianSeconds / ours.medianSeconds);
  }
  const auto mean = [&](double logs) {
    return std::exp(logs / double(reports.size()));
  };
  Mean result;
  result.name = std::move(name);
  if (haveCycles) {
    result.macsPerCycle = mean(cycleLogs);
  }
  result.gigaOps = mean(opLogs);
  result.ratio = mean(ratioLogs);
  result.medianRatio = mean(medianRatioLogs);
  return result;
}

/// The baseline called `name` in a report, or null.
static const Timing *findBaseline(const KernelReport &report,
                                  const std::string &name) {
  for (const BaselineReport &baseline : report.baselines) {
    if (baseline.measurement.name == name) {
      return &baseline.measurement.compute;
    }
  }
  return nullptr;
}

std::vector<Mean> geometricMeans(const std::vector<KernelReport> &all) {
  Reports reports;
  bool hasPacking = false;
  for (const KernelReport &report : all) {
    if (report.macs() > 0) {
      reports.push_back(&report);
      hasPacking |= report.ours.hasPacking;
    }
  }
  std::vector<Mean> means;
  if (reports.empty()) {
    return means;
  }
  const auto add = [&](const std::string &name, const Select &select) {
    if (std::optional<Mean> mean = meanOf(reports, name, select)) {
      means.push_back(std::move(*mean));
    }
  };
  const KernelReport &first = *reports.front();
  add(first.ours.name,
      [](const KernelReport &report) { return &report.ours.compute; });
  if (hasPacking) {
    add(first.ours.name + ", packing included",
        [](const KernelReport &report) { return &report.ours.total; });
  }
  for (const BaselineReport &baseline : first.baselines) {
    const std::string &name = baseline.measurement.name;
    add(name,
        [&](const KernelReport &report) { return findBaseline(report, name); });
  }
  return means;
}

} // namespace lpgen
