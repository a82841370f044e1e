// Shared object and manifest together: arguments by name, checked, and a runner
// for each call that runs at the same time.
#include "runtime/kernels/LoadedKernel.h"
#include "base/system/AtomicFile.h"
#include "base/tensor/Strides.h"
#include <algorithm>
#include <cstring>
#include <filesystem>

namespace lpgen {

Result<LoadedKernel> LoadedKernel::load(const std::string &library,
                                        int threads) {
  const std::string path =
      std::filesystem::path(library).replace_extension(".json").string();
  const Result<std::string> manifest = readWholeFile(path);
  if (!manifest.ok()) {
    return Status::error("kernel library '" + library +
                         "' has no manifest beside it: " + manifest.message() +
                         "; remedy: compile with --emit shared,manifest");
  }
  Result<LoadedKernel> loaded = load(library, *manifest, threads);
  return loaded.ok() ? std::move(loaded)
                     : Status::error("'" + path + "': " + loaded.message());
}

Result<LoadedKernel> LoadedKernel::load(const std::string &library,
                                        const std::string &manifest,
                                        int threads) {
  Result<KernelInterface> interface = KernelInterface::parse(manifest);
  LPGEN_RETURN_IF_ERROR(interface.status());
  Result<SharedKernel> shared = SharedKernel::load(library, interface->op);
  LPGEN_RETURN_IF_ERROR(shared.status());
  const lp_kernel &kernel = shared->kernel();
  LPGEN_RETURN_IF_ERROR(KernelRunner::create(kernel).status());
  if (interface->symbol != kernel.symbol ||
      interface->inputs.size() != size_t(kernel.num_inputs) ||
      interface->inputs.size() + interface->outputs.size() !=
          size_t(kernel.num_buffers) ||
      interface->sizes.size() != size_t(kernel.num_sizes)) {
    return Status::error("the manifest is of kernel '" + interface->symbol +
                         "', kernel library '" + library + "' has '" +
                         kernel.symbol +
                         "'; remedy: compile both with one command");
  }
  LoadedKernel loaded(std::unique_ptr<State>(
      new State{std::move(*shared), std::move(*interface), threads, {}, {}}));
  Result<std::unique_ptr<Session>> session = loaded.takeSession();
  LPGEN_RETURN_IF_ERROR(session.status());
  loaded.state->idle.push_back(std::move(*session));
  return loaded;
}

Result<std::unique_ptr<LoadedKernel::Session>>
LoadedKernel::takeSession() const {
  {
    const std::lock_guard lock(state->mutex);
    if (!state->idle.empty()) {
      std::unique_ptr<Session> session = std::move(state->idle.back());
      state->idle.pop_back();
      return session;
    }
  }
  std::unique_ptr<ThreadPool> pool;
  if (state->threads > 1) {
    pool = std::make_unique<ThreadPool>(state->threads);
    LPGEN_RETURN_IF_ERROR(pool->status());
  }
  Result<KernelRunner> runner = KernelRunner::create(kernel(), pool.get());
  LPGEN_RETURN_IF_ERROR(runner.status());
  return std::make_unique<Session>(
      Session{std::move(pool), std::move(*runner),
              std::vector<AlignedBytes>(interface().inputs.size()),
              std::vector<AlignedBytes>(interface().inputs.size())});
}

/// A logical input as the kernel wants it to lie for these sizes, all of them:
/// as it is, or copied to `memory`.
Result<const void *> LoadedKernel::viewOf(size_t input,
                                          const KernelInput &given,
                                          std::span<const int64_t> sizes,
                                          AlignedBytes &memory) const {
  const KernelBuffer &buffer = interface().inputs[input];
  if (buffer.strides.empty() && given.strides.empty()) {
    return given.data;
  }
  const std::vector<int64_t> want = buffer.stridesFor(sizes);
  const std::vector<int64_t> have =
      given.strides.empty() ? denseStrides(given.shape) : given.strides;
  if (areStridesAlike(given.shape, want, have)) {
    return given.data;
  }
  const int64_t element = buffer.type.storageBits() / 8;
  // One byte for no elements: kernels refuse null.
  const int64_t bytes =
      std::max<int64_t>(spanOf(given.shape, want) * element, 1);
  if (memory.size() != bytes) {
    Result<AlignedBytes> made = AlignedBytes::create(bytes);
    LPGEN_RETURN_IF_ERROR(made.status());
    memory = std::move(*made);
  }
  copyView(given.shape, element, given.data, have, memory.data(), want);
  return static_cast<const void *>(memory.data());
}

Status LoadedKernel::run(Session &session, std::span<const KernelInput> inputs,
                         std::span<void *const> outputs,
                         std::span<const int64_t> sizes) const {
  std::vector<void *> buffers;
  const std::vector<int64_t> all =
      interface().allSizes({sizes.begin(), sizes.end()});
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Result<const void *> view =
        inputs[i].packedBytes > 0 ? Result(inputs[i].data)
                                  : viewOf(i, inputs[i], all, session.views[i]);
    LPGEN_RETURN_IF_ERROR(view.status());
    // The interface has one array for inputs and outputs; kernels only read
    // inputs.
    buffers.push_back(const_cast<void *>(*view));
    const int64_t bytes = kernel().packed_size(int(i), sizes.data());
    if (inputs[i].packedBytes > 0) {
      if (bytes != inputs[i].packedBytes) {
        return Status::error("argument '" + interface().inputs[i].name +
                             "' was packed for other run-time sizes; remedy: "
                             "pack it again");
      }
    } else if (bytes > 0) {
      AlignedBytes &packed = session.packed[i];
      LPGEN_RETURN_IF_ERROR(
          session.runner.packInto(int(i), sizes, *view, packed));
      buffers.back() = packed.data();
    }
  }
  buffers.insert(buffers.end(), outputs.begin(), outputs.end());
  return session.runner.run(buffers, sizes);
}

Status LoadedKernel::run(std::span<const KernelInput> inputs,
                         std::span<void *const> outputs,
                         std::span<const int64_t> sizes) const {
  Result<std::unique_ptr<Session>> session = takeSession();
  LPGEN_RETURN_IF_ERROR(session.status());
  Status status = run(**session, inputs, outputs, sizes);
  const std::lock_guard lock(state->mutex);
  state->idle.push_back(std::move(*session));
  return status;
}

Result<KeptInput> LoadedKernel::keep(size_t input,
                                     const KernelInput &logical) const {
  const KernelBuffer &buffer = interface().inputs[input];
  KernelSizes deduced(interface());
  LPGEN_RETURN_IF_ERROR(deduced.match(input, logical.shape, logical.strides));
  LPGEN_RETURN_IF_ERROR(
      buffer.checkValues(logical.data, logical.shape, logical.strides));
  const std::vector<int64_t> sizes = deduced.takeOrBounds();
  KeptInput kept{logical.shape, AlignedBytes(), false};
  if (kernel().packed_size(int(input), sizes.data()) > 0) {
    const Result<KernelRunner> runner = KernelRunner::create(kernel());
    LPGEN_RETURN_IF_ERROR(runner.status());
    kept.isPacked = true;
    AlignedBytes memory;
    const Result<const void *> view =
        viewOf(input, logical, interface().allSizes(sizes), memory);
    LPGEN_RETURN_IF_ERROR(view.status());
    LPGEN_RETURN_IF_ERROR(
        runner->packInto(int(input), sizes, *view, kept.bytes));
    return kept;
  }
  // One byte for no elements: kernels refuse null.
  const int64_t count = countElements(logical.shape).value_or(0);
  const int64_t bytes = count * buffer.type.storageBits() / 8;
  Result<AlignedBytes> copy = AlignedBytes::create(std::max<int64_t>(bytes, 1));
  LPGEN_RETURN_IF_ERROR(copy.status());
  const std::vector<int64_t> dense = denseStrides(logical.shape);
  copyView(logical.shape, buffer.type.storageBits() / 8, logical.data,
           logical.strides.empty() ? dense : logical.strides, copy->data(),
           dense);
  kept.bytes = std::move(*copy);
  return kept;
}

Result<TensorMap> LoadedKernel::run(const TensorMap &inputs) const {
  std::vector<KernelInput> given(interface().inputs.size());
  KernelSizes deduced(interface());
  for (const auto &[name, tensor] : inputs) {
    const Result<size_t> input = interface().findInput(name);
    LPGEN_RETURN_IF_ERROR(input.status());
    const KernelBuffer &buffer = interface().inputs[*input];
    if (tensor.type() != buffer.type) {
      return Status::error("argument '" + name + "': expected elements of " +
                           buffer.type.str() + ", found " +
                           tensor.type().str());
    }
    LPGEN_RETURN_IF_ERROR(deduced.match(*input, tensor.shape()));
    LPGEN_RETURN_IF_ERROR(buffer.checkValues(tensor.data(), tensor.shape()));
    given[*input] = {tensor.shape(), tensor.data(), 0, {}};
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i].data) {
      return Status::error("operator '" + interface().op +
                           "' needs a tensor for input '" +
                           interface().inputs[i].name + "', " +
                           interface().describe(interface().inputs[i]));
    }
  }
  const Result<std::vector<int64_t>> sizes = deduced.take();
  LPGEN_RETURN_IF_ERROR(sizes.status());
  const std::vector<int64_t> all = interface().allSizes(*sizes);
  TensorMap results;
  std::vector<void *> outputs;
  std::vector<AlignedBytes> views;
  for (const KernelBuffer &buffer : interface().outputs) {
    Result<HostTensor> tensor =
        HostTensor::create(buffer.type, buffer.shapeFor(all));
    LPGEN_RETURN_IF_ERROR(tensor.status());
    outputs.push_back(tensor->data());
    if (!buffer.strides.empty()) {
      const int64_t bytes = spanOf(tensor->shape(), buffer.stridesFor(all)) *
                            buffer.type.storageBits() / 8;
      Result<AlignedBytes> view =
          AlignedBytes::create(std::max<int64_t>(bytes, 1));
      LPGEN_RETURN_IF_ERROR(view.status());
      views.push_back(std::move(*view));
      outputs.back() = views.back().data();
    }
    results.emplace(buffer.name, std::move(*tensor));
  }
  LPGEN_RETURN_IF_ERROR(run(given, outputs, *sizes));
  for (size_t i = 0; i < outputs.size(); ++i) {
    const KernelBuffer &buffer = interface().outputs[i];
    HostTensor &tensor = results.at(buffer.name);
    if (!buffer.strides.empty()) {
      copyView(tensor.shape(), buffer.type.storageBits() / 8, outputs[i],
               buffer.stridesFor(all), tensor.data(),
               denseStrides(tensor.shape()));
    }
  }
  return results;
}

} // namespace lpgen
