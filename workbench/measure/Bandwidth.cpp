// Plain reads with 32-byte vectors. Caches are found in Linux's sysfs, or by
// the C library, which asks the CPU, where a virtual machine has no such files.
#include "workbench/measure/Bandwidth.h"
#include "runtime/kernels/KernelRunner.h"
#include "workbench/measure/Clock.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unistd.h>
#include <utility>

namespace lpgen {

#ifdef __x86_64__
#define LPGEN_BENCH_READ_ISA __attribute__((target("avx2")))
#else
#define LPGEN_BENCH_READ_ISA
#endif

using Vector = uint64_t __attribute__((vector_size(32)));
static constexpr int64_t vectorsPerStep = 8;
static constexpr int64_t stepBytes =
    vectorsPerStep * static_cast<int64_t>(sizeof(Vector));
/// Beyond the last cache by so much, nearly every read is one of memory.
static constexpr int64_t memoryFactor = 4;
/// No core reaches more than this of the last cache. A virtual machine may name
/// the sum over all cores of the socket.
static constexpr int64_t mostCacheBytes = int64_t{128} << 20;
static constexpr double secondsPerLevel = 0.05;
static constexpr int minRounds = 8;

/// Reads all bytes once; the sum keeps the compiler from leaving it out.
LPGEN_BENCH_READ_ISA static uint64_t readOnce(const Vector *data,
                                              int64_t bytes) {
  Vector sums[vectorsPerStep] = {};
  for (int64_t i = 0; i < bytes / stepBytes; ++i) {
    for (int64_t j = 0; j < vectorsPerStep; ++j) {
      sums[j] ^= data[i * vectorsPerStep + j];
    }
  }
  uint64_t sum = 0;
  for (const Vector &vector : sums) {
    sum ^= vector[0] ^ vector[1] ^ vector[2] ^ vector[3];
  }
  return sum;
}

namespace {
struct Level {
  std::string name;
  int64_t bytes; ///< For all threads if shared, else for each.
  bool isShared;
};
} // namespace

static std::string readLine(const std::string &path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

namespace {
struct Cache {
  std::string name; ///< "L2"
  int64_t bytes;
};
} // namespace

static std::vector<Cache> cachesOfSysfs() {
  std::vector<Cache> caches;
  for (int index = 0;; ++index) {
    const std::string folder =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    const std::string size = readLine(folder + "/size"); // "32K"
    if (size.empty()) {
      return caches;
    }
    if (readLine(folder + "/type") != "Instruction") {
      const int64_t unit = size.back() == 'M' ? 1 << 20 : 1 << 10;
      caches.push_back({"L" + readLine(folder + "/level"),
                        std::strtoll(size.c_str(), nullptr, 10) * unit});
    }
  }
}

static std::vector<Cache> cachesOfLibrary() {
  std::vector<Cache> caches;
  const std::pair<const char *, int> levels[] = {{"L1", _SC_LEVEL1_DCACHE_SIZE},
                                                 {"L2", _SC_LEVEL2_CACHE_SIZE},
                                                 {"L3", _SC_LEVEL3_CACHE_SIZE}};
  for (const auto &[name, key] : levels) {
    if (const long bytes = sysconf(key); bytes > 0) {
      caches.push_back({name, bytes});
    }
  }
  return caches;
}

/// Data caches of the first CPU, from the smallest on, then memory.
static std::vector<Level> findLevels() {
  std::vector<Cache> caches = cachesOfSysfs();
  if (caches.empty()) {
    caches = cachesOfLibrary();
  }
  std::vector<Level> levels;
  int64_t largest = 0;
  for (const Cache &cache : caches) {
    const int64_t bytes = std::min(cache.bytes, mostCacheBytes);
    largest = std::max(largest, bytes);
    levels.push_back({cache.name, bytes / 2, cache.name > "L2"});
  }
  if (largest > 0) {
    levels.push_back({"DRAM", memoryFactor * largest, true});
  }
  return levels;
}

void readPlain(const void *data, int64_t bytes) {
  const uint64_t sum = readOnce(static_cast<const Vector *>(data), bytes);
  asm volatile("" : : "r"(sum) : "memory");
}

int64_t bytesBeyondCaches() {
  const std::vector<Level> levels = findLevels();
  return levels.empty() ? 0 : levels.back().bytes;
}

/// Reads in all threads until the time is up.
static Result<Bandwidth> measureLevel(const Level &level, ThreadPool *pool) {
  const int workers = pool ? pool->numWorkers() : 1;
  const int64_t size = (level.isShared ? level.bytes / workers : level.bytes) /
                       stepBytes * stepBytes;
  std::vector<AlignedBytes> buffers;
  for (int worker = 0; worker < workers; ++worker) {
    Result<AlignedBytes> bytes = AlignedBytes::create(size);
    LPGEN_RETURN_IF_ERROR(bytes.status());
    std::memset(bytes->data(), 1, size_t(size));
    buffers.push_back(std::move(*bytes));
  }
  // Short reads are repeated, so that the clock's own time does not count.
  const int64_t repeats = std::max<int64_t>(1, (int64_t{1} << 20) / size);
  const auto read = [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      for (int64_t repeat = 0; repeat < repeats; ++repeat) {
        readPlain(buffers[size_t(i)].data(), size);
      }
    }
  };
  Bandwidth best{level.name, size, 0, std::nullopt};
  const double begin = secondsNow();
  for (int round = 0;
       round < minRounds || secondsNow() - begin < secondsPerLevel; ++round) {
    const std::optional<double> before = measureFrequency();
    const double start = secondsNow();
    if (pool) {
      pool->run(workers, read);
    } else {
      read(0, {0, 1});
    }
    const double rate =
        double(size * repeats * workers) / (secondsNow() - start);
    const std::optional<double> frequency =
        std::max(before, measureFrequency());
    if (rate > best.perSecond) {
      best.perSecond = rate;
      if (frequency) {
        best.perCycle = rate / *frequency;
      }
    }
  }
  return best;
}

Result<std::vector<Bandwidth>> measureBandwidths(ThreadPool *pool) {
  std::vector<Bandwidth> bandwidths;
  for (const Level &level : findLevels()) {
    Result<Bandwidth> measured = measureLevel(level, pool);
    LPGEN_RETURN_IF_ERROR(measured.status());
    bandwidths.push_back(std::move(*measured));
  }
  return bandwidths;
}

} // namespace lpgen
