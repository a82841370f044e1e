// Online one step is one pass; through time all steps are.
#include "training/loop/TimePasses.h"
#include <algorithm>

namespace lpgen::train {

void TimePasses::repeat(const nn::FloatTensor &images, int64_t times,
                        const nn::StepContext &context) {
  std::vector<int64_t> shape = images.shape();
  shape[0] *= times;
  repeated.resize(std::move(shape));
  nn::forEachTask(context, times, [&](int64_t i) {
    std::ranges::copy(images.values(), repeated.data() + i * images.size());
  });
}

/// mean += the mean over all steps of the scores of some.
void TimePasses::addScores(const nn::FloatTensor &of,
                           nn::FloatTensor &mean) const {
  for (int64_t i = 0; i < of.size(); ++i) {
    mean[i % mean.size()] += of[i] / float(plan.count);
  }
}

Status TimePasses::findScores(nn::Layer &network, const nn::FloatTensor &images,
                              nn::FloatTensor &mean, nn::StepContext context) {
  context.time = {0, plan.count};
  repeat(images, plan.count, context);
  LPGEN_RETURN_IF_ERROR(network.forward(repeated, scores, context));
  mean.resize({images.extent(0), scores.extent(1)});
  std::ranges::fill(mean.values(), 0.0F);
  addScores(scores, mean);
  return Status::success();
}

Status TimePasses::findGradients(nn::Layer &network,
                                 const std::vector<nn::Parameter *> &parameters,
                                 const data::Batch &batch, float scale,
                                 nn::StepContext context, nn::LossValue &loss) {
  const int64_t images = batch.images.extent(0);
  repeat(batch.images, plan.inPass, context);
  std::vector<uint8_t> labels;
  for (int64_t i = 0; i < plan.inPass; ++i) {
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  const float part = float(plan.inPass) / float(plan.count);
  sums.clear();
  loss = {};
  for (int64_t first = 0; first < plan.count; first += plan.inPass) {
    context.time = {first, plan.inPass};
    LPGEN_RETURN_IF_ERROR(network.forward(repeated, scores, context));
    loss.sum +=
        nn::softmaxCrossEntropy(scores, labels, scale * part, &scoreGradient)
            .sum /
        double(plan.count);
    LPGEN_RETURN_IF_ERROR(
        network.backward(scoreGradient, inputGradient, context));
    if (first == 0) {
      meanScores.resize({images, scores.extent(1)});
      std::ranges::fill(meanScores.values(), 0.0F);
      for (const nn::Parameter *parameter : parameters) {
        sums.emplace_back(parameter->gradient.shape());
      }
    }
    addScores(scores, meanScores);
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (int64_t i = 0; i < sums[p].size(); ++i) {
        sums[p][i] += parameters[p]->gradient[i];
      }
    }
  }
  for (size_t p = 0; p < parameters.size(); ++p) {
    std::ranges::copy(sums[p].values(), parameters[p]->gradient.data());
  }
  loss.correct =
      nn::softmaxCrossEntropy(meanScores, batch.labels, 1.0F, nullptr).correct;
  loss.images = images;
  return Status::success();
}

} // namespace lpgen::train
