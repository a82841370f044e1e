// Element by element, in what networks see of a pixel.
#include "training/loop/Adversary.h"
#include "training/layers/Loss.h"
#include "training/policies/PolicyOptions.h"
#include <algorithm>
#include <cmath>

namespace lpgen::train {

static constexpr PolicyOption options[] = {
    PolicyOption::number("epsilon", AdversarySpec().epsilon, 0, 255),
    PolicyOption::whole("steps", AdversarySpec().steps, 1, 1000)};

std::string adversaryHelp() { return usageOf("pgd", options); }

Result<std::optional<AdversarySpec>> readAdversary(const std::string &text) {
  const auto read = readOptional(text, "adversary", "pgd", options);
  LPGEN_RETURN_IF_ERROR(read.status());
  if (!*read) {
    return std::optional<AdversarySpec>();
  }
  return std::optional(
      AdversarySpec{(*read)->number("epsilon"), (*read)->whole("steps")});
}

Status Adversary::move(nn::Layer &network, data::Batch &batch,
                       nn::StepContext context) {
  context.mode = nn::Mode::Train;
  context.isBeside = true;
  nn::FloatTensor &x = batch.images;
  original.resize(x.shape());
  std::ranges::copy(x.values(), original.data());
  const nn::RandomKey start = context.random.of("adversary");
  const int64_t channels = data.channels;
  /// x = clamp(x + part(i) epsilon of its channel)
  const auto moveBy = [&](const auto &part) {
    nn::forEachPart(context, x.size(), [&](int, TaskRange range) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t channel = i % channels;
        const auto most =
            float(spec.epsilon / 255) / data.deviation[size_t(channel)];
        const float lowest =
            std::max(data.normalized(0, channel), original[i] - most);
        const float highest =
            std::min(data.normalized(255, channel), original[i] + most);
        x[i] = std::clamp(x[i] + most * part(i), lowest, highest);
      }
    });
  };
  moveBy([&](int64_t i) { return 2 * start.uniform(uint64_t(i)) - 1; });
  const float step = 2.5F / float(spec.steps);
  for (int64_t k = 0; k < spec.steps; ++k) {
    LPGEN_RETURN_IF_ERROR(network.forward(x, scores, context));
    nn::softmaxCrossEntropy(scores, batch.labels, 1.0F, &scoreGradient);
    LPGEN_RETURN_IF_ERROR(
        network.backward(scoreGradient, inputGradient, context));
    assert(inputGradient.size() == x.size() && "the first layer has one");
    moveBy([&](int64_t i) {
      const float g = inputGradient[i];
      return g > 0 ? step : g < 0 ? -step : 0.0F;
    });
  }
  return Status::success();
}

} // namespace lpgen::train
