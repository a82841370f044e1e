// lpgen._training: the layers of the trainer for Python, one by one. A policy,
// and for each layer the three products that it makes of it.
//
// The package (python/lpgen/torch.py) makes them layers of PyTorch. Arrays are
// dense float32 in the trainer's order of dimensions. Failures leave as
// lpgen.Error.
#include "python/ModelExport.h"
#include "python/Normalization.h"
#include "python/TrainedLayer.h"

namespace lpgen {
namespace {

/// The state of a layer at a call, for `repeat`.
struct Snapshot {
  State state;
};

nn::LayerPlace placeOf(const std::string &name) {
  return name == "first"  ? nn::LayerPlace::First
         : name == "last" ? nn::LayerPlace::Last
                          : nn::LayerPlace::Inner;
}

/// Bytes, where text would be taken for UTF-8.
py::dict bytesOf(const State &state) {
  py::dict result;
  for (const auto &[name, piece] : state) {
    result[name.c_str()] = py::bytes(piece);
  }
  return result;
}

py::dict describe(const nn::BackendReport &report) {
  py::dict tensors;
  for (const nn::TensorReport &tensor : report.tensors) {
    py::dict row;
    row["bits"] = tensor.bits;
    row["quantized"] = tensor.quantized;
    row["saturated"] = tensor.saturated;
    row["underflown"] = tensor.underflown;
    tensors[tensor.tensor.c_str()] = row;
  }
  py::dict kernels;
  for (size_t i = 0; i < nn::productNames.size(); ++i) {
    kernels[nn::productNames[i]] = report.implementations[i];
  }
  py::dict result;
  result["tensors"] = tensors;
  result["kernels"] = kernels;
  return result;
}

void bindPrecision(py::module_ &module) {
  py::class_<Precision, std::shared_ptr<Precision>>(module, "Precision")
      .def(py::init<std::string, std::string, std::string, int, int64_t,
                    int64_t, int64_t, uint64_t>(),
           py::arg("text"), py::arg("program"), py::arg("target"),
           py::arg("threads"), py::arg("steps_per_epoch"),
           py::arg("total_steps"), py::arg("batch_size"), py::arg("seed"))
      .def_property_readonly("loss_scale",
                             [](const Precision &precision) {
                               return precision.policy->lossScale();
                             })
      .def_property_readonly("takes_signs",
                             [](const Precision &precision) {
                               return precision.policy->activation() ==
                                      nn::Activation::Sign;
                             })
      .def("accept_gradients", &Precision::acceptGradients)
      .def("after_update", &Precision::afterUpdate)
      .def("after_step", &Precision::afterStep)
      .def("state",
           [](Precision &precision) { return bytesOf(precision.state()); })
      .def("restore", &Precision::restore);
}

} // namespace
} // namespace lpgen

PYBIND11_MODULE(_training, module) {
  using namespace lpgen;
  module.doc() = "The layers of the trainer; use lpgen.torch.";
  bindPrecision(module);
  bindModelExport(module);
  // NOLINTNEXTLINE(bugprone-unused-raii): it registers the class.
  py::class_<Snapshot>(module, "Snapshot");
  py::class_<Contraction>(module, "Contraction")
      .def(py::init([](std::shared_ptr<Precision> precision, std::string name,
                       const std::string &place, int64_t channels,
                       int64_t outputs, int64_t kernel, int64_t stride,
                       int64_t padding, int64_t groups) {
             return std::make_unique<Contraction>(
                 std::move(precision),
                 nn::LayerSpec{
                     std::move(name),
                     {1, 1, channels, outputs, kernel, stride, padding, groups},
                     placeOf(place)});
           }),
           py::arg("precision"), py::arg("name"), py::arg("place"),
           py::arg("channels"), py::arg("outputs"), py::arg("kernel") = 1,
           py::arg("stride") = 1, py::arg("padding") = 0, py::arg("groups") = 1)
      .def("learned", &Contraction::learned)
      .def("forward",
           [](Contraction &layer, const Floats &x, const Floats &weight,
              const std::vector<Floats> &learned, bool isTraining,
              int64_t step) {
             auto [y, before] =
                 layer.forward(x, weight, learned, isTraining, step);
             return py::make_tuple(y, Snapshot{std::move(before)});
           })
      .def("repeat",
           [](Contraction &layer, const Floats &x, const Floats &weight,
              const std::vector<Floats> &learned, int64_t step,
              const Snapshot &before) {
             layer.repeat(x, weight, learned, step, before.state);
           })
      .def("backward", &Contraction::backward)
      .def("state", [](Contraction &layer) { return bytesOf(layer.state()); })
      .def("restore", &Contraction::restore)
      .def("report",
           [](Contraction &layer) { return describe(layer.report()); });
  py::class_<BatchNormCall>(module, "BatchNormCall")
      .def(py::init<std::shared_ptr<Precision>, const Floats &, Floats, Floats,
                    const Floats &, double, bool>(),
           py::arg("precision"), py::arg("x"), py::arg("gamma"),
           py::arg("beta"), py::arg("shift"), py::arg("epsilon"),
           py::arg("relu"))
      .def("take_result", &BatchNormCall::takeResult)
      .def("statistics", &BatchNormCall::statistics)
      .def("backward", &BatchNormCall::backward);
  module.def("has_plain_steps", [](const std::string &text) {
    return train::hasTrait(text, train::PlainSteps);
  });
  module.def("runs_in_time", [](const std::string &text) {
    return train::hasTrait(text, train::RunsInTime);
  });
  module.def("policies", [] {
    std::vector<std::string> names;
    for (const train::PolicyKind *kind : train::policyKinds()) {
      if ((kind->traits & train::RunsInTime) == 0) {
        names.emplace_back(kind->name);
      }
    }
    return names;
  });
}
