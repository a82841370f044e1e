// What holds of any group.
#include "training/distributed/ProcessGroup.h"
#include <algorithm>
#include <cstring>
#include <string>

namespace lpgen::train {

Status checkSameStep(ProcessGroup &workers, int64_t step) {
  std::vector<std::byte> own(sizeof(step));
  std::memcpy(own.data(), &step, sizeof(step));
  const Result<std::vector<std::vector<std::byte>>> all = workers.exchange(own);
  LPGEN_RETURN_IF_ERROR(all.status());
  for (size_t i = 0; i < all->size(); ++i) {
    int64_t other = -1;
    std::memcpy(&other, (*all)[i].data(),
                std::min((*all)[i].size(), sizeof(other)));
    if (other != step) {
      return Status::error("worker " + std::to_string(workers.rank()) +
                           " is at step " + std::to_string(step) + ", worker " +
                           std::to_string(i) + " at " + std::to_string(other) +
                           ": their checkpoints are of different epochs");
    }
  }
  return Status::success();
}

} // namespace lpgen::train
