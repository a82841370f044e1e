// Time and the CPU's name, from Linux.
#include "workbench/measure/Clock.h"
#include "base/system/CycleChain.h"
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sched.h>

namespace lpgen {

double secondsNow() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::optional<double> measureFrequency() {
  const double start = secondsNow();
  const uint64_t cycles = lpRunCycleChain();
  const double seconds = secondsNow() - start;
  return cycles == 0 ? std::nullopt : std::optional(double(cycles) / seconds);
}

Status pinToCurrentCpu() {
  const int cpu = sched_getcpu();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0) {
    CPU_SET(cpu, &set);
  }
  if (cpu < 0 || sched_setaffinity(0, sizeof(set), &set) != 0) {
    return Status::error("cannot stay on one CPU: " +
                         std::string(std::strerror(errno)));
  }
  return Status::success();
}

std::string cpuModelName() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown CPU";
}

} // namespace lpgen
