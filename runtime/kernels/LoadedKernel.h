// A compiled operator or network from a shared object, run on tensors by name:
//
//   Result<LoadedKernel> conv = LoadedKernel::load("out/conv.so");
//   Result<TensorMap> results = conv->run({{"x", x}, {"w", w}});
//
// `lpgen compile conv.lp --emit shared,manifest -o out` writes the two files.
#ifndef LPGEN_RUNTIME_KERNELS_LOADEDKERNEL_H
#define LPGEN_RUNTIME_KERNELS_LOADEDKERNEL_H

#include "runtime/kernels/KernelInterface.h"
#include "runtime/kernels/KernelRunner.h"
#include "runtime/kernels/SharedKernel.h"
#include <map>
#include <memory>
#include <mutex>

namespace lpgen {

using TensorMap = std::map<std::string, HostTensor>;

/// An input of a call; borrowed.
struct KernelInput {
  std::vector<int64_t> shape;
  const void *data = nullptr; ///< Row-major and dense, or packed.
  int64_t packedBytes = 0;    ///< 0 if logical.
  /// Elements between neighbours in each dimension where `data` is the first
  /// element of a view of a larger tensor; empty if it is dense. A kernel whose
  /// operator declares such strides reads the view as it is, else it is copied.
  std::vector<int64_t> strides;
};

/// An input that is kept for many calls, packed if the kernel wants that.
struct KeptInput {
  std::vector<int64_t> shape;
  AlignedBytes bytes;
  bool isPacked = false;

  KernelInput input() const {
    return {shape, bytes.data(), isPacked ? bytes.size() : 0, {}};
  }
};

/// Any number of threads may use one at once.
class LoadedKernel {
public:
  /// Loads a shared object with the manifest beside it, `conv.json` for
  /// `conv.so`. A call runs on `threads` threads.
  static Result<LoadedKernel> load(const std::string &library, int threads = 1);
  /// The same with the text of the manifest.
  static Result<LoadedKernel> load(const std::string &library,
                                   const std::string &manifest, int threads);

  const KernelInterface &interface() const { return state->interface; }
  const lp_kernel &kernel() const { return state->library.kernel(); }

  /// Checks the inputs, all by name, and gives all outputs.
  Result<TensorMap> run(const TensorMap &inputs) const;

  /// Checks and copies an input, packed if the kernel wants it so.
  Result<KeptInput> keep(size_t input, const KernelInput &logical) const;

  /// Runs on inputs in declared order, whose shapes and values are checked,
  /// into outputs whose shapes and strides are those of `sizes`.
  Status run(std::span<const KernelInput> inputs,
             std::span<void *const> outputs,
             std::span<const int64_t> sizes) const;

private:
  /// What one call at a time uses.
  struct Session {
    std::unique_ptr<ThreadPool> pool; ///< Null for one thread.
    KernelRunner runner;
    std::vector<AlignedBytes> packed; ///< By input; memory is kept.
    std::vector<AlignedBytes> views;  ///< Inputs with a kernel's strides.
  };
  struct State {
    SharedKernel library;
    KernelInterface interface;
    int threads = 1;
    std::mutex mutex;
    std::vector<std::unique_ptr<Session>> idle; ///< Guarded by mutex.
  };
  explicit LoadedKernel(std::unique_ptr<State> state)
      : state(std::move(state)) {}
  Result<std::unique_ptr<Session>> takeSession() const;
  Result<const void *> viewOf(size_t input, const KernelInput &given,
                              std::span<const int64_t> sizes,
                              AlignedBytes &memory) const;
  Status run(Session &session, std::span<const KernelInput> inputs,
             std::span<void *const> outputs,
             std::span<const int64_t> sizes) const;

  std::unique_ptr<State> state;
};

} // namespace lpgen

#endif // LPGEN_RUNTIME_KERNELS_LOADEDKERNEL_H
