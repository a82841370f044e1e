// A float32 network beside that of the run, whose weights walk along each
// update.
#include "training/record/LossAllocation.h"
#include "training/contractions/FloatBackend.h"
#include "training/data/Batches.h"
#include <algorithm>
#include <cmath>

namespace lpgen::train {

double AllocatedChange::error() const {
  double sum = before - after;
  for (const TensorShare &tensor : tensors) {
    sum += tensor.change;
  }
  return sum;
}

namespace {

/// Sums of gradients at points of the line, by parameter.
using GradientSum = std::vector<std::vector<double>>;

class Line {
public:
  Line(const std::vector<nn::Parameter *> &parameters,
       const std::vector<nn::FloatTensor> &start,
       const std::vector<nn::FloatTensor> &end, const DifferentiableLoss &loss)
      : parameters(parameters), start(start), end(end), loss(loss) {}

  GradientSum zeros() const {
    GradientSum sum;
    for (const nn::Parameter *parameter : parameters) {
      sum.emplace_back(size_t(parameter->value.size()), 0.0);
    }
    return sum;
  }
  /// The loss at start + fraction (end - start); its gradient is added.
  Result<double> add(double fraction, GradientSum &sum) const {
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (int64_t i = 0; i < start[p].size(); ++i) {
        parameters[p]->value[i] =
            float(double(start[p][i]) +
                  fraction * (double(end[p][i]) - double(start[p][i])));
      }
    }
    const Result<double> value = loss();
    LPGEN_RETURN_IF_ERROR(value.status());
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (size_t i = 0; i < sum[p].size(); ++i) {
        sum[p][i] += double(parameters[p]->gradient[int64_t(i)]);
      }
    }
    return *value;
  }
  /// From the sums at the ends, at the other even points and at the odd ones,
  /// of 2 segments intervals.
  std::vector<TensorShare> shares(const GradientSum &ends,
                                  const GradientSum &even,
                                  const GradientSum &odd, int segments) const {
    std::vector<TensorShare> result;
    for (size_t p = 0; p < parameters.size(); ++p) {
      TensorShare &share = result.emplace_back();
      for (size_t i = 0; i < ends[p].size(); ++i) {
        const double mean =
            (ends[p][i] + 2 * even[p][i] + 4 * odd[p][i]) / (6.0 * segments);
        const double part =
            mean * (double(end[p][int64_t(i)]) - double(start[p][int64_t(i)]));
        share.change += part;
        share.helped += part < 0 ? 1 : 0;
        share.hurt += part > 0 ? 1 : 0;
      }
    }
    return result;
  }

private:
  const std::vector<nn::Parameter *> &parameters;
  const std::vector<nn::FloatTensor> &start;
  const std::vector<nn::FloatTensor> &end;
  const DifferentiableLoss &loss;
};

} // namespace

Result<AllocatedChange>
allocateChange(const std::vector<nn::Parameter *> &parameters,
               const std::vector<nn::FloatTensor> &start,
               const std::vector<nn::FloatTensor> &end,
               const DifferentiableLoss &loss,
               const LossAllocationOptions &options) {
  const Line line(parameters, start, end, loss);
  AllocatedChange change;
  GradientSum ends = line.zeros();
  GradientSum even = line.zeros();
  const Result<double> before = line.add(0, ends);
  LPGEN_RETURN_IF_ERROR(before.status());
  const Result<double> after = line.add(1, ends);
  LPGEN_RETURN_IF_ERROR(after.status());
  change.before = *before;
  change.after = *after;
  for (change.segments = 1;; change.segments *= 2) {
    GradientSum odd = line.zeros();
    for (int i = 0; i < change.segments; ++i) {
      const double middle = (i + 0.5) / change.segments;
      LPGEN_RETURN_IF_ERROR(line.add(middle, odd).status());
    }
    change.tensors = line.shares(ends, even, odd, change.segments);
    if (std::fabs(change.error()) <= options.tolerance ||
        2 * change.segments > options.mostSegments) {
      return change;
    }
    for (size_t p = 0; p < even.size(); ++p) {
      for (size_t i = 0; i < even[p].size(); ++i) {
        even[p][i] += odd[p][i];
      }
    }
  }
}

Result<std::unique_ptr<LossAllocation>>
LossAllocation::create(const nn::ModelSpec &model, const data::Dataset &data,
                       const std::vector<nn::Parameter *> &updated,
                       int64_t step, ThreadPool *pool,
                       const LossAllocationOptions &options) {
  if (model.activation == nn::Activation::Sign) {
    return Status::error("the loss of a network of signs has no gradient by "
                         "which its change could be allocated");
  }
  if (nn::isSpiking(model.activation)) {
    return Status::error("the loss of a spiking network changes by its steps, "
                         "which have no gradient by which it could be "
                         "allocated");
  }
  if (options.images < options.batchSize || options.images > data.train.count) {
    return Status::error("the loss of " + std::to_string(options.images) +
                         " images cannot be allocated, expected one batch of " +
                         std::to_string(options.batchSize) +
                         " or more of the " + std::to_string(data.train.count) +
                         " training images");
  }
  std::unique_ptr<LossAllocation> made(
      new LossAllocation(data, step, pool, options));
  Result<std::unique_ptr<nn::Layer>> network = nn::buildModel(
      model,
      [](const nn::LayerSpec &layer)
          -> Result<std::unique_ptr<nn::ContractionBackend>> {
        return std::unique_ptr<nn::ContractionBackend>(
            std::make_unique<nn::FloatBackend>(layer.geometry));
      },
      nn::RandomKey(0));
  LPGEN_RETURN_IF_ERROR(network.status());
  made->network = std::move(*network);
  made->network->visitParameters([&](nn::Parameter &parameter) {
    made->own.push_back(&parameter);
    const auto same =
        std::ranges::find(updated, parameter.name, &nn::Parameter::name);
    assert(same != updated.end() && "policies add parameters, none lacks");
    made->updated.push_back(*same);
  });
  return made;
}

Result<double> LossAllocation::lossAndGradient() {
  nn::StepContext context;
  context.pool = pool;
  const int64_t batches = options.images / options.batchSize;
  std::vector<nn::FloatTensor> sums;
  sums.reserve(own.size());
  for (const nn::Parameter *parameter : own) {
    sums.emplace_back(parameter->value.shape());
  }
  double loss = 0;
  data::Batch batch;
  nn::FloatTensor scores;
  nn::FloatTensor gradient;
  nn::FloatTensor ignored;
  for (int64_t b = 0; b < batches; ++b) {
    data::readTrainingImages(data, b * options.batchSize,
                             (b + 1) * options.batchSize, pool, batch);
    LPGEN_RETURN_IF_ERROR(network->forward(batch.images, scores, context));
    loss += softmaxCrossEntropy(scores, batch.labels, 1.0F / float(batches),
                                &gradient)
                .sum;
    LPGEN_RETURN_IF_ERROR(network->backward(gradient, ignored, context));
    for (size_t p = 0; p < own.size(); ++p) {
      for (int64_t i = 0; i < sums[p].size(); ++i) {
        sums[p][i] += own[p]->gradient[i];
      }
    }
  }
  for (size_t p = 0; p < own.size(); ++p) {
    own[p]->gradient = std::move(sums[p]);
  }
  return loss / double(batches * options.batchSize);
}

static std::vector<nn::FloatTensor>
valuesOf(const std::vector<nn::Parameter *> &parameters) {
  std::vector<nn::FloatTensor> values;
  values.reserve(parameters.size());
  for (const nn::Parameter *parameter : parameters) {
    values.push_back(parameter->value);
  }
  return values;
}

void LossAllocation::beforeStep(const std::vector<ObservedLayer> &layers) {
  if (done % options.every == 0) {
    start = valuesOf(updated);
  }
}

Status LossAllocation::afterStep(const std::vector<ObservedLayer> &layers,
                                 const StepView &view) {
  const bool isAllocated = done % options.every == 0;
  done = view.step;
  if (!isAllocated) {
    return Status::success();
  }
  const DifferentiableLoss loss = [this] { return lossAndGradient(); };
  const Result<AllocatedChange> change =
      allocateChange(own, start, valuesOf(updated), loss, options);
  LPGEN_RETURN_IF_ERROR(change.status());
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorShare &share : change->tensors) {
    tensors.push_back({share.change, share.helped, share.hurt});
  }
  steps.push_back({{"step", view.step},
                   {"before", change->before},
                   {"after", change->after},
                   {"error", change->error()},
                   {"segments", change->segments},
                   {"tensors", std::move(tensors)}});
  return Status::success();
}

nlohmann::json LossAllocation::record() const {
  nlohmann::json tensors = nlohmann::json::array();
  for (const nn::Parameter *parameter : own) {
    tensors.push_back(
        {{"tensor", parameter->name}, {"elements", parameter->value.size()}});
  }
  return {{"images", options.images / options.batchSize * options.batchSize},
          {"every", options.every},
          {"tensors", std::move(tensors)},
          {"steps", steps}};
}

Status LossAllocation::restore(const nlohmann::json &from) {
  clear();
  const nlohmann::json expected = record();
  for (const char *field : {"images", "every", "tensors"}) {
    if (!from.is_object() ||
        from.value(field, nlohmann::json()) != expected[field]) {
      return Status::error("the allocation of its last epoch has other "
                           "'" +
                           std::string(field) + "'");
    }
  }
  const auto found = from.find("steps");
  if (found == from.end() || !found->is_array()) {
    return Status::error("the allocation of its last epoch is damaged");
  }
  steps = *found;
  return Status::success();
}

} // namespace lpgen::train
