// Processes that train one network together, each on images of its own.
#ifndef LPGEN_TRAINING_DISTRIBUTED_PROCESSGROUP_H
#define LPGEN_TRAINING_DISTRIBUTED_PROCESSGROUP_H

#include "base/system/Status.h"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace lpgen::train {

class ProcessGroup {
public:
  virtual ~ProcessGroup() = default;
  virtual int rank() const = 0; ///< Of this one, from 0.
  virtual int count() const = 0;
  /// Gives `own` to all and returns what each has given, by rank. All workers
  /// must call it; it returns when all have.
  virtual Result<std::vector<std::vector<std::byte>>>
  exchange(const std::vector<std::byte> &own) = 0;
  /// Ends all workers at once, after an error of this one.
  [[noreturn]] virtual void abort(int exitStatus) = 0;
};

/// An error unless all workers are at the same step.
Status checkSameStep(ProcessGroup &workers, int64_t step);

/// The processes that mpirun started; MPI ends with the object. An error if the
/// program was built without MPI. At most one at a time.
Result<std::unique_ptr<ProcessGroup>> makeMpiProcessGroup();

/// True in a process that mpirun started beside others.
bool isStartedByMpi();

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_PROCESSGROUP_H
