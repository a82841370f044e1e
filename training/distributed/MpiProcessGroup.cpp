// Workers by MPI: sizes first, then the bytes. The only file that includes MPI.
#include "training/distributed/ProcessGroup.h"
#include <cstdint>
#include <cstdlib>
#include <string>
#ifdef LPGEN_HAS_MPI
// The interface of C alone: that of C++ needs a library of its own wherever
// nothing is optimized away.
#define OMPI_SKIP_MPICXX
#define MPICH_SKIP_MPICXX
#include <mpi.h>
#include <numeric>
#endif

namespace lpgen::train {

bool isStartedByMpi() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread is started.
  const char *size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size && std::string(size) != "1";
}

#ifdef LPGEN_HAS_MPI

namespace {

class MpiProcessGroup : public ProcessGroup {
public:
  MpiProcessGroup() {
    MPI_Comm_rank(MPI_COMM_WORLD, &ownRank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }
  ~MpiProcessGroup() override { MPI_Finalize(); }
  MpiProcessGroup(const MpiProcessGroup &) = delete;
  MpiProcessGroup &operator=(const MpiProcessGroup &) = delete;

  int rank() const override { return ownRank; }
  int count() const override { return size; }
  Result<std::vector<std::vector<std::byte>>>
  exchange(const std::vector<std::byte> &own) override;
  [[noreturn]] void abort(int exitStatus) override {
    MPI_Abort(MPI_COMM_WORLD, exitStatus);
    std::_Exit(exitStatus);
  }

private:
  Status check(int code) const {
    if (code == MPI_SUCCESS) {
      return Status::success();
    }
    std::string text(MPI_MAX_ERROR_STRING, '\0');
    int length = 0;
    MPI_Error_string(code, text.data(), &length);
    return Status::error(
        "worker " + std::to_string(ownRank) +
        " cannot reach the others: " + text.substr(0, size_t(length)));
  }

  int ownRank = 0;
  int size = 1;
};

Result<std::vector<std::vector<std::byte>>>
MpiProcessGroup::exchange(const std::vector<std::byte> &own) {
  if (own.size() > size_t{INT32_MAX} / size_t(size)) {
    return Status::error("gradients of " + std::to_string(own.size()) +
                         " bytes are too large to exchange; use --gradients "
                         "adacomp");
  }
  const int ownSize = int(own.size());
  std::vector<int> sizes(static_cast<size_t>(size));
  LPGEN_RETURN_IF_ERROR(check(MPI_Allgather(&ownSize, 1, MPI_INT, sizes.data(),
                                            1, MPI_INT, MPI_COMM_WORLD)));
  std::vector<int> offsets(sizes.size());
  std::exclusive_scan(sizes.begin(), sizes.end(), offsets.begin(), 0);
  std::vector<std::byte> all(size_t(offsets.back() + sizes.back()));
  LPGEN_RETURN_IF_ERROR(check(
      MPI_Allgatherv(own.data(), ownSize, MPI_BYTE, all.data(), sizes.data(),
                     offsets.data(), MPI_BYTE, MPI_COMM_WORLD)));
  std::vector<std::vector<std::byte>> parts;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto begin = all.begin() + offsets[i];
    parts.emplace_back(begin, begin + sizes[i]);
  }
  return parts;
}

} // namespace

Result<std::unique_ptr<ProcessGroup>> makeMpiProcessGroup() {
  int provided = 0;
  // Only the thread that trains calls MPI.
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) !=
      MPI_SUCCESS) {
    return Status::error("MPI does not start");
  }
  return std::unique_ptr<ProcessGroup>(std::make_unique<MpiProcessGroup>());
}

#else

Result<std::unique_ptr<ProcessGroup>> makeMpiProcessGroup() {
  return Status::error("this lpgen was built without MPI; remedy: install "
                       "libopenmpi-dev and configure again, or leave out "
                       "--gradients");
}

#endif

} // namespace lpgen::train
