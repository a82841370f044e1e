// See FromMemory.h.
#include "workbench/measure/FromMemory.h"
#include "workbench/measure/Bandwidth.h"
#include "workbench/measure/Clock.h"
#include <cstring>

namespace lpgen {

/// Bytes that one thread reads before it takes more.
static constexpr int64_t chunkBytes = int64_t{64} << 10;

Result<FromMemory> FromMemory::create(TimedKernel &kernel, ThreadPool *pool) {
  FromMemory result(kernel, pool);
  for (const TimedKernel::PackedInput &input : kernel.packedInputs()) {
    result.bytes += input.bytes.size();
  }
  if (result.bytes == 0) {
    return Status::error("from memory, the kernel has no packed input");
  }
  const int64_t wanted = bytesBeyondCaches();
  if (wanted == 0) {
    return Status::error("from memory, the system describes no cache");
  }
  while (result.copies() * result.bytes < wanted) {
    Copy copy;
    for (const TimedKernel::PackedInput &input : kernel.packedInputs()) {
      Result<AlignedBytes> same = AlignedBytes::create(input.bytes.size());
      LPGEN_RETURN_IF_ERROR(same.status());
      std::memcpy(same->data(), input.bytes.data(), size_t(input.bytes.size()));
      copy.push_back(std::move(*same));
    }
    result.copiesOfInputs.push_back(std::move(copy));
  }
  return result;
}

const FromMemory::Copy &FromMemory::nextCopy() {
  const Copy &copy = copiesOfInputs[next];
  next = (next + 1) % copiesOfInputs.size();
  return copy;
}

Result<Duration> FromMemory::runKernel() {
  const Copy &copy = nextCopy();
  std::vector<const void *> inputs;
  for (const AlignedBytes &input : copy) {
    inputs.push_back(input.data());
  }
  return kernel->runWith(inputs);
}

Result<Duration> FromMemory::readPlainly() {
  const Copy &copy = nextCopy();
  const double start = secondsNow();
  for (const AlignedBytes &input : copy) {
    const char *data = static_cast<const char *>(input.data());
    if (!pool) {
      readPlain(data, input.size());
      continue;
    }
    const int64_t chunks = (input.size() + chunkBytes - 1) / chunkBytes;
    pool->run(chunks, [&](int, TaskRange range) {
      const int64_t begin = range.begin * chunkBytes;
      readPlain(data + begin,
                std::min(range.end * chunkBytes, input.size()) - begin);
    });
  }
  return Duration{secondsNow() - start, 0};
}

} // namespace lpgen
