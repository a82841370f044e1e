// Handing tensors from layer to layer.
#include "training/layers/Containers.h"
#include "networks/NetworkSink.h"
#include <algorithm>
#include <cmath>

namespace lpgen::nn {

void Sequential::add(std::unique_ptr<Layer> layer) {
  Layer *added = layers.emplace_back(std::move(layer)).get();
  Layer *before = steps.empty() ? nullptr : steps.back();
  auto *norm = dynamic_cast<BatchNorm *>(before);
  if (norm && dynamic_cast<Relu *>(added)) {
    steps.back() =
        fused.emplace_back(std::make_unique<FusedNormActPool>(*norm)).get();
    return;
  }
  auto *previous = dynamic_cast<FusedNormActPool *>(before);
  const auto *pool = dynamic_cast<const Pool *>(added);
  if (!previous || !pool || !previous->takePool(*pool)) {
    steps.push_back(added);
  }
}

Status Sequential::forward(const FloatTensor &x, FloatTensor &y,
                           const StepContext &context) {
  if (steps.empty()) {
    y = x;
    return Status::success();
  }
  between.resize(steps.size() - 1);
  const FloatTensor *input = &x;
  for (size_t i = 0; i < steps.size(); ++i) {
    FloatTensor &output = i + 1 == steps.size() ? y : between[i];
    LPGEN_RETURN_IF_ERROR(steps[i]->forward(*input, output, context));
    input = &output;
  }
  return Status::success();
}

Status Sequential::backward(const FloatTensor &dy, FloatTensor &dx,
                            const StepContext &context) {
  if (steps.empty()) {
    dx = dy;
    return Status::success();
  }
  const FloatTensor *gradient = &dy;
  for (size_t i = steps.size(); i-- > 0;) {
    FloatTensor &next = i == 0 ? dx : gradients[i % 2];
    next.setScaleExponent(gradient->scaleExponent());
    LPGEN_RETURN_IF_ERROR(steps[i]->backward(*gradient, next, context));
    gradient = &next;
  }
  return Status::success();
}

void Sequential::visitParameters(
    const std::function<void(Parameter &)> &visit) {
  for (const std::unique_ptr<Layer> &layer : layers) {
    layer->visitParameters(visit);
  }
}

void Sequential::visitState(StateVisitor &visitor) {
  for (const std::unique_ptr<Layer> &layer : layers) {
    layer->visitState(visitor);
  }
}

void Sequential::visitLayers(const std::function<void(Layer &)> &visit) {
  visit(*this);
  for (const std::unique_ptr<Layer> &layer : layers) {
    layer->visitLayers(visit);
  }
}

Status Sequential::describe(networks::NetworkSink &network) const {
  for (const std::unique_ptr<Layer> &layer : layers) {
    LPGEN_RETURN_IF_ERROR(layer->describe(network));
  }
  return Status::success();
}

Status Residual::forward(const FloatTensor &x, FloatTensor &y,
                         const StepContext &context) {
  LPGEN_RETURN_IF_ERROR(main->forward(x, y, context));
  LPGEN_RETURN_IF_ERROR(shortcut->forward(x, shortcutOutput, context));
  assert(y.size() == shortcutOutput.size() && "branches of one shape");
  const bool isRelu = activation == Activation::Relu;
  forEachPart(context, y.size(), [&](int, TaskRange range) {
    const float *other = shortcutOutput.data();
    float *to = y.data();
    for (int64_t i = range.begin; i < range.end; ++i) {
      const float sum = to[i] + other[i];
      // NaN stays: it must be seen.
      to[i] = sum < 0.0F && isRelu ? 0.0F : sum;
    }
  });
  output = &y;
  return Status::success();
}

Status Residual::backward(const FloatTensor &dy, FloatTensor &dx,
                          const StepContext &context) {
  assert(output && "backward follows forward");
  sumGradient.resize(dy.shape());
  sumGradient.setScaleExponent(dy.scaleExponent());
  const bool isRelu = activation == Activation::Relu;
  forEachPart(context, dy.size(), [&](int, TaskRange range) {
    const float *y = output->data();
    const float *from = dy.data();
    float *to = sumGradient.data();
    for (int64_t i = range.begin; i < range.end; ++i) {
      to[i] = y[i] > 0.0F || !isRelu ? from[i] : 0.0F;
    }
  });
  LPGEN_RETURN_IF_ERROR(main->backward(sumGradient, dx, context));
  LPGEN_RETURN_IF_ERROR(
      shortcut->backward(sumGradient, shortcutGradient, context));
  // Both at the greater scale; factors are powers of two.
  const int exponent =
      std::max(dx.scaleExponent(), shortcutGradient.scaleExponent());
  const float factor = std::ldexp(1.0F, exponent - dx.scaleExponent());
  const float otherFactor =
      std::ldexp(1.0F, exponent - shortcutGradient.scaleExponent());
  dx.setScaleExponent(exponent);
  forEachPart(context, dx.size(), [&](int, TaskRange range) {
    const float *other = shortcutGradient.data();
    float *to = dx.data();
    for (int64_t i = range.begin; i < range.end; ++i) {
      to[i] = to[i] * factor + other[i] * otherFactor;
    }
  });
  return Status::success();
}

void Residual::visitParameters(const std::function<void(Parameter &)> &visit) {
  main->visitParameters(visit);
  shortcut->visitParameters(visit);
}

void Residual::visitState(StateVisitor &visitor) {
  main->visitState(visitor);
  shortcut->visitState(visitor);
}

void Residual::visitLayers(const std::function<void(Layer &)> &visit) {
  visit(*this);
  main->visitLayers(visit);
  shortcut->visitLayers(visit);
}

Status Residual::describe(networks::NetworkSink &network) const {
  const auto branch = [](const Sequential &chain) {
    return [&chain](networks::NetworkSink &to) { return chain.describe(to); };
  };
  LPGEN_RETURN_IF_ERROR(
      network.addBranches(name(), branch(*main), branch(*shortcut)));
  return activation == Activation::Relu ? network.addRelu(name())
                                        : Status::success();
}

} // namespace lpgen::nn
