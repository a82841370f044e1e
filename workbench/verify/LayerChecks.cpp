// Layer by layer with the kernel's own values. See LayerChecks.h.
#include "workbench/verify/LayerChecks.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

namespace lpgen {

/// All statements, with the results of all layers as outputs.
static SubOperator observe(const ast::Op &op,
                           const std::vector<Layer> &layers) {
  std::vector<unsigned> results;
  for (const Layer &layer : layers) {
    llvm::append_range(results, layer.results);
  }
  const auto all =
      llvm::to_vector(llvm::seq<unsigned>(0, unsigned(op.statements.size())));
  return makeSubOperator(op, all, results);
}

LayerChecks::LayerChecks(const ast::Op &op)
    : op(op), layers(layersOf(op)), whole(observe(op, layers)) {
  for (const Layer &layer : layers) {
    alone.push_back(makeSubOperator(op, layer.statements, layer.results));
  }
}

std::vector<HostTensor>
LayerChecks::inputsOf(llvm::ArrayRef<HostTensor> inputs) const {
  std::vector<HostTensor> result;
  result.reserve(whole.op.numInputs());
  for (unsigned id = 0; id < whole.op.numInputs(); ++id) {
    result.push_back(inputs[whole.origins[id]]);
  }
  return result;
}

std::vector<size_t> LayerChecks::outputPlaces() const {
  std::vector<size_t> places;
  const unsigned first = whole.op.numInputs();
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    if (op.tensors[id].role == ast::Role::Output) {
      places.push_back(
          size_t(llvm::find(whole.origins, id) - whole.origins.begin()) -
          first);
    }
  }
  return places;
}

/// All positions, or samples where the layer has too many steps.
static std::vector<int64_t> choosePositions(llvm::ArrayRef<int64_t> shape,
                                            bool isSampled, uint64_t seed) {
  const int64_t count =
      countElements({shape.data(), shape.size()}).value_or(INT64_MAX);
  if (isSampled && count > LayerChecks::layerSamples) {
    return samplePositions(shape, LayerChecks::layerSamples, seed);
  }
  const auto all = llvm::seq<int64_t>(0, count);
  return {all.begin(), all.end()};
}

/// Compares one layer on the values in `known`, by tensor of the operator.
Status LayerChecks::compareLayer(size_t number, llvm::ArrayRef<int64_t> sizes,
                                 std::vector<const HostTensor *> &known,
                                 const std::vector<HostTensor> &found,
                                 size_t firstOutput, uint64_t seed,
                                 const VerifyOptions &options,
                                 const std::string &description,
                                 VerifyReport &report) const {
  const SubOperator &part = alone[number];
  LayerReport &layer = report.layers[number];
  layer.name = layers[number].name;
  std::vector<HostTensor> inputs;
  const unsigned numInputs = part.op.numInputs();
  inputs.reserve(part.op.tensors.size());
  for (unsigned id = 0; id < numInputs; ++id) {
    inputs.push_back(*known[part.origins[id]]);
  }
  Interpreter reference(part.op, sizes);
  LPGEN_RETURN_IF_ERROR(reference.bindInputs(inputs));
  const bool isSampled =
      interpreterSteps(part.op, sizes) > options.limits.maxSteps;
  for (size_t i = 0; i < layers[number].results.size(); ++i) {
    const HostTensor &values = found[firstOutput + i];
    Result<ExpectedElements> expected =
        expectElements(part.op, numInputs + unsigned(i), reference,
                       choosePositions(values.shape(), isSampled, seed));
    LPGEN_RETURN_IF_ERROR(expected.status());
    expected->subject = "layer '" + layer.name + "'";
    std::vector<std::string> differences;
    const size_t room = options.maxMessages - report.messages.size();
    layer.mismatches += expected->compare(values, room, differences);
    layer.elements += values.numElements();
    layer.compared += expected->values.numElements();
    report.elements += expected->values.numElements();
    report.isSampled |= expected->values.numElements() < values.numElements();
    for (const std::string &difference : differences) {
      std::string &message = report.messages.emplace_back(difference);
      message.append(" (").append(description).append(")");
    }
    known[layers[number].results[i]] = &values;
  }
  return Status::success();
}

Status LayerChecks::compare(llvm::ArrayRef<int64_t> sizes,
                            const std::vector<HostTensor> &inputs,
                            const std::vector<HostTensor> &found, uint64_t seed,
                            const VerifyOptions &options,
                            const std::string &description,
                            VerifyReport &report) const {
  report.layers.resize(layers.size());
  std::vector<const HostTensor *> known(op.tensors.size(), nullptr);
  for (size_t id = 0; id < inputs.size(); ++id) {
    known[whole.origins[id]] = &inputs[id];
  }
  int64_t before = 0;
  for (const LayerReport &layer : report.layers) {
    before += layer.mismatches;
  }
  int64_t mismatches = before;
  size_t output = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const int64_t layerBefore = report.layers[i].mismatches;
    const Status compared = compareLayer(i, sizes, known, found, output, seed,
                                         options, description, report);
    if (!compared.ok()) {
      // Wrong values can be such that no later layer takes them.
      if (mismatches > before) {
        break;
      }
      return compared;
    }
    mismatches += report.layers[i].mismatches - layerBefore;
    output += layers[i].results.size();
  }
  report.mismatches += mismatches - before;
  return Status::success();
}

} // namespace lpgen
