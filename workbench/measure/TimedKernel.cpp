// Running a kernel phase by phase with a stopwatch.
#include "workbench/measure/TimedKernel.h"
#include "base/tensor/Strides.h"
#include "workbench/measure/Clock.h"

namespace lpgen {

Result<TimedKernel> TimedKernel::create(const BenchKernel &description,
                                        std::vector<HostTensor> &tensors,
                                        ThreadPool *pool) {
  Result<SharedKernel> library =
      SharedKernel::load(description.library, description.op);
  LPGEN_RETURN_IF_ERROR(library.status());
  TimedKernel timed(std::move(*library));
  Result<KernelRunner> runner =
      KernelRunner::create(timed.library.kernel(), pool);
  LPGEN_RETURN_IF_ERROR(runner.status());
  timed.runner = std::move(*runner);
  LPGEN_RETURN_IF_ERROR(timed.prepare(description, tensors));
  LPGEN_RETURN_IF_ERROR(timed.run().status());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const BenchTensor &tensor = description.tensors[i];
    if (!tensor.isInput && timed.isView(i)) {
      copyView(tensor.shape, tensor.type.storageBits() / 8,
               timed.views[i].data(), tensor.strides, tensors[i].data(),
               denseStrides(tensor.shape));
    }
  }
  return timed;
}

Status TimedKernel::prepare(const BenchKernel &description,
                            std::vector<HostTensor> &tensors) {
  const lp_kernel &kernel = library.kernel();
  if (size_t(kernel.num_buffers) != tensors.size() ||
      size_t(kernel.num_sizes) != description.sizes.size() ||
      size_t(kernel.num_phases) != description.phases.size()) {
    return Status::error("kernel '" + std::string(kernel.symbol) +
                         "' does not match its job: numbers of buffers, sizes "
                         "or phases differ");
  }
  sizes = description.sizes;
  for (const std::string &phase : description.phases) {
    isPacking.push_back(phase == "lp.pack");
  }
  phaseLayers = description.phaseLayers;
  numLayers = description.layers.size();
  views.resize(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    logical.push_back(tensors[i].data());
    buffers.push_back(tensors[i].data());
    const BenchTensor &tensor = description.tensors[i];
    if (!tensor.strides.empty()) {
      const int64_t element = tensor.type.storageBits() / 8;
      Result<AlignedBytes> view =
          AlignedBytes::create(spanOf(tensor.shape, tensor.strides) * element);
      LPGEN_RETURN_IF_ERROR(view.status());
      views[i] = std::move(*view);
      copyView(tensor.shape, element, tensors[i].data(),
               denseStrides(tensor.shape), views[i].data(), tensor.strides);
      buffers.back() = views[i].data();
    }
    if (!runner->isPacked(int(i), sizes)) {
      totalBytes += tensors[i].byteSize();
      continue;
    }
    Result<AlignedBytes> bytes =
        description.tensors[i].isInput
            ? runner->pack(int(i), sizes, buffers.back())
            : AlignedBytes::create(kernel.packed_size(int(i), sizes.data()));
    LPGEN_RETURN_IF_ERROR(bytes.status());
    totalBytes += bytes->size();
    buffers.back() = bytes->data();
    if (description.tensors[i].isInput) {
      packed.push_back({i, std::move(*bytes)});
    } else {
      packedOutputs.push_back(std::move(*bytes));
    }
  }
  return Status::success();
}

Result<Duration> TimedKernel::runWith(const std::vector<const void *> &copies) {
  // The interface of kernels has no const; inputs are not written.
  for (size_t i = 0; i < packed.size(); ++i) {
    buffers[packed[i].tensor] = const_cast<void *>(copies[i]);
  }
  Result<Duration> duration = run();
  for (PackedInput &input : packed) {
    buffers[input.tensor] = input.bytes.data();
  }
  return duration;
}

Result<Duration> TimedKernel::run() {
  Duration duration;
  duration.layers.resize(numLayers);
  double last = secondsNow();
  LPGEN_RETURN_IF_ERROR(runner->run(buffers, sizes, [&](int phase) {
    const double now = secondsNow();
    (isPacking[size_t(phase)] ? duration.packing : duration.compute) +=
        now - last;
    if (numLayers > 0) {
      duration.layers[size_t(phaseLayers[size_t(phase)])] += now - last;
    }
    last = now;
  }));
  return duration;
}

} // namespace lpgen
