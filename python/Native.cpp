// lpgen._native: the runtime for Python. Kernels from shared objects on NumPy
// arrays, and the cache of shared objects.
//
// The package around it (python/lpgen) runs the compiler as a process and turns
// values into arrays; here they are checked and run, without the GIL. Failures
// leave as lpgen.Error.
#include "base/abi/CpuFeatures.h"
#include "base/tensor/Strides.h"
#include "python/Raise.h"
#include "runtime/kernels/KernelCache.h"
#include "runtime/kernels/LoadedKernel.h"
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace lpgen {
namespace {

py::dtype dtypeOf(ElementType type) {
  const std::string bytes = std::to_string(type.storageBits() / 8);
  // NumPy has no bf16: its bits are unsigned integers.
  const char *kind = type.encoding == Encoding::Float ? "f"
                     : type.isStorageSigned()         ? "i"
                                                      : "u";
  return py::dtype(kind + bytes);
}

std::vector<int64_t> shapeOf(const py::array &array) {
  return {array.shape(), array.shape() + array.ndim()};
}

/// Strides in elements, or none where an array is dense.
std::vector<int64_t> stridesOf(const py::array &array) {
  if ((array.flags() & py::array::c_style) != 0) {
    return {};
  }
  std::vector<int64_t> strides(array.strides(), array.strides() + array.ndim());
  for (int64_t &stride : strides) {
    stride /= array.itemsize();
  }
  return strides;
}

/// An array for an output with strides of its own.
py::array arrayOf(const KernelBuffer &buffer, std::span<const int64_t> sizes) {
  const std::vector<int64_t> shape = buffer.shapeFor(sizes);
  if (buffer.strides.empty()) {
    return py::array(dtypeOf(buffer.type), shape);
  }
  std::vector<int64_t> strides = buffer.stridesFor(sizes);
  const py::array memory(dtypeOf(buffer.type),
                         std::vector<int64_t>{spanOf(shape, strides)});
  for (int64_t &stride : strides) {
    stride *= memory.itemsize();
  }
  return py::array(memory.dtype(), shape, strides, memory.data(), memory);
}

/// An input or output, as Python sees it.
struct Buffer {
  std::string name;
  std::string type;
  std::string declaration;
  py::dtype dtype;
  std::vector<int64_t> shape;
  std::vector<int64_t> sizes;
  int64_t lo, hi;
  bool isView;
};

std::vector<Buffer> describe(const KernelInterface &interface,
                             const std::vector<KernelBuffer> &buffers) {
  std::vector<Buffer> list;
  list.reserve(buffers.size());
  for (const KernelBuffer &buffer : buffers) {
    list.push_back({buffer.name, buffer.type.str(), interface.describe(buffer),
                    dtypeOf(buffer.type), buffer.shape, buffer.sizes, buffer.lo,
                    buffer.hi, !buffer.strides.empty()});
  }
  return list;
}

/// A kernel, and the inputs that are kept for all of its calls.
class Kernel {
public:
  static Kernel load(const std::string &library, const std::string &manifest,
                     int threads) {
    auto loaded = std::make_shared<LoadedKernel>(
        take(LoadedKernel::load(library, manifest, threads)));
    const size_t inputs = loaded->interface().inputs.size();
    return {std::move(loaded),
            std::vector<std::shared_ptr<const KeptInput>>(inputs)};
  }

  const KernelInterface &interface() const { return loaded->interface(); }
  std::vector<std::string> keptInputs() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) {
        names.push_back(interface().inputs[i].name);
      }
    }
    return names;
  }

  /// A kernel that keeps these arrays as well; None leaves an input as it is.
  Kernel pack(const std::vector<std::optional<py::array>> &arrays) const {
    checkArrays(arrays);
    Kernel result = *this;
    for (size_t i = 0; i < arrays.size(); ++i) {
      if (!arrays[i]) {
        continue;
      }
      const KernelInput input = {shapeOf(*arrays[i]), arrays[i]->data(), 0,
                                 stridesOf(*arrays[i])};
      std::optional<Result<KeptInput>> made;
      {
        const py::gil_scoped_release released;
        made = loaded->keep(i, input);
      }
      result.kept[i] =
          std::make_shared<const KeptInput>(take(std::move(*made)));
    }
    return result;
  }

  /// All outputs. An array for each input, None for what is kept.
  std::vector<py::array>
  run(const std::vector<std::optional<py::array>> &arrays) const {
    checkArrays(arrays);
    std::vector<KernelInput> inputs;
    KernelSizes deduced(interface());
    for (size_t i = 0; i < arrays.size(); ++i) {
      if (!arrays[i] && !kept[i]) {
        raise("there is no array for input '" + interface().inputs[i].name +
              "'");
      }
      inputs.push_back(arrays[i]
                           ? KernelInput{shapeOf(*arrays[i]), arrays[i]->data(),
                                         0, stridesOf(*arrays[i])}
                           : kept[i]->input());
      check(deduced.match(i, inputs.back().shape, inputs.back().strides));
    }
    const std::vector<int64_t> sizes = take(deduced.take());
    std::vector<py::array> outputs;
    std::vector<void *> results;
    for (const KernelBuffer &buffer : interface().outputs) {
      outputs.push_back(arrayOf(buffer, interface().allSizes(sizes)));
      results.push_back(outputs.back().mutable_data());
    }
    Status status;
    {
      const py::gil_scoped_release released;
      status = checkAndRun(arrays, inputs, results, sizes);
    }
    check(status);
    return outputs;
  }

private:
  Kernel(std::shared_ptr<const LoadedKernel> loaded,
         std::vector<std::shared_ptr<const KeptInput>> kept)
      : loaded(std::move(loaded)), kept(std::move(kept)) {}

  /// The package gives arrays of the declared types, one for each input. They
  /// are dense, or views with strides of whole elements where the operator
  /// declares strides.
  void checkArrays(const std::vector<std::optional<py::array>> &arrays) const {
    bool isGood = arrays.size() == kept.size();
    for (size_t i = 0; isGood && i < arrays.size(); ++i) {
      isGood = !arrays[i] ||
               (canBeRead(*arrays[i], interface().inputs[i]) &&
                arrays[i]->dtype().equal(dtypeOf(interface().inputs[i].type)));
    }
    if (!isGood) {
      throw py::type_error("expected an array of the declared type, or None, "
                           "for each input");
    }
  }

  static bool canBeRead(const py::array &array, const KernelBuffer &buffer) {
    bool isGood =
        (array.flags() & py::array::c_style) != 0 || !buffer.strides.empty();
    for (py::ssize_t d = 0; isGood && d < array.ndim(); ++d) {
      isGood = array.strides(d) % array.itemsize() == 0;
    }
    return isGood;
  }

  Status checkAndRun(const std::vector<std::optional<py::array>> &arrays,
                     std::span<const KernelInput> inputs,
                     std::span<void *const> outputs,
                     std::span<const int64_t> sizes) const {
    for (size_t i = 0; i < arrays.size(); ++i) {
      if (arrays[i]) {
        LPGEN_RETURN_IF_ERROR(interface().inputs[i].checkValues(
            inputs[i].data, inputs[i].shape, inputs[i].strides));
      }
    }
    return loaded->run(inputs, outputs, sizes);
  }

  std::shared_ptr<const LoadedKernel> loaded;
  std::vector<std::shared_ptr<const KeptInput>> kept; ///< By input, or null.
};

void bindKernels(py::module_ &module) {
  // What `lpgen run --interface` prints: inputs and outputs.
  module.def("parse_interface", [](const std::string &text) {
    const KernelInterface interface = take(KernelInterface::parse(text));
    return std::pair(describe(interface, interface.inputs),
                     describe(interface, interface.outputs));
  });
  py::class_<Buffer>(module, "Buffer")
      .def_readonly("name", &Buffer::name)
      .def_readonly("type", &Buffer::type)
      .def_readonly("declaration", &Buffer::declaration)
      .def_readonly("dtype", &Buffer::dtype)
      .def_readonly("shape", &Buffer::shape)
      .def_readonly("sizes", &Buffer::sizes)
      .def_readonly("is_view", &Buffer::isView)
      .def_readonly("lo", &Buffer::lo)
      .def_readonly("hi", &Buffer::hi);
  py::class_<Kernel>(module, "Kernel")
      .def_static("load", &Kernel::load, py::arg("library"),
                  py::arg("manifest"), py::arg("threads"))
      .def_property_readonly(
          "op", [](const Kernel &kernel) { return kernel.interface().op; })
      .def_property_readonly(
          "symbol",
          [](const Kernel &kernel) { return kernel.interface().symbol; })
      .def_property_readonly(
          "target",
          [](const Kernel &kernel) { return kernel.interface().target; })
      .def_property_readonly("inputs",
                             [](const Kernel &kernel) {
                               return describe(kernel.interface(),
                                               kernel.interface().inputs);
                             })
      .def_property_readonly("outputs",
                             [](const Kernel &kernel) {
                               return describe(kernel.interface(),
                                               kernel.interface().outputs);
                             })
      .def_property_readonly("kept", &Kernel::keptInputs)
      .def("pack", &Kernel::pack)
      .def("run", &Kernel::run);
}

void bindCache(py::module_ &module) {
  py::class_<WorkFolder>(module, "WorkFolder")
      .def_property_readonly("path", &WorkFolder::path);
  py::class_<KernelCache>(module, "KernelCache")
      .def_static("user_folder", [] { return take(KernelCache::userFolder()); })
      .def_static("open",
                  [](const std::string &folder) {
                    return take(KernelCache::open(folder));
                  })
      .def("find", &KernelCache::find)
      .def("read",
           [](const KernelCache &cache, const std::string &name) {
             const std::optional<std::string> content = cache.read(name);
             return content ? std::optional(py::bytes(*content)) : std::nullopt;
           })
      .def("add",
           [](const KernelCache &cache, const std::string &name,
              const std::string &content) {
             return take(cache.add(name, content));
           })
      .def("make_work_folder", [](const KernelCache &cache) {
        return take(cache.makeWorkFolder());
      });
}

} // namespace
} // namespace lpgen

PYBIND11_MODULE(_native, module) {
  module.doc() = "The runtime of lpgen; use the package lpgen.";
  lpgen::bindKernels(module);
  lpgen::bindCache(module);
  module.attr("version") = LPGEN_VERSION;
  module.def("cpu_features", [] { return lp_cpu_features(); });
}
