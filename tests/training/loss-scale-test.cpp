// Adaptive loss scales: the formula, gradients that do not depend on them, and
// the underflow that they prevent.
#include "training/contractions/EmulatedBackend.h"
#include "training/contractions/FloatBackend.h"
#include "training/contractions/LossScaledBackend.h"
#include "training/models/Models.h"
#include <gtest/gtest.h>

namespace lpgen::quant {
namespace {

nn::FloatTensor normalTensor(std::vector<int64_t> shape, uint64_t seed,
                             float deviation = 1) {
  nn::FloatTensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = deviation * nn::RandomKey(seed).normal(uint64_t(i));
  }
  return tensor;
}

TEST(LossScale, InverseErf) {
  EXPECT_NEAR(inverseErf(1e-3), 8.862e-4, 1e-7);
  EXPECT_NEAR(inverseErf(1e-2), 8.8625e-3, 1e-7);
  EXPECT_NEAR(inverseErf(0.05), 0.04434, 1e-5);
  for (const double y : {1e-6, 0.3, 0.9, 0.999}) {
    EXPECT_NEAR(std::erf(inverseErf(y)), y, 1e-12);
  }
}

TEST(LossScale, Formula) {
  const LossScaleOptions options;
  const GradientRange range = {0x1p-24F, 65504};
  LossScaleStatistics statistics;
  statistics.reduction = 288;
  statistics.weightSquare = 1.0 / 144; // sigma = that of dy.
  statistics.weightMax = 0.3;
  const auto exponentFor = [&](double sigma, int incoming = 0) {
    statistics.gradientSquare = sigma * sigma;
    statistics.gradientMax = 6 * sigma;
    return lossScaleExponent(options, range, statistics, incoming);
  };
  // 2^-24 / (sqrt(2) 8.862e-4) is 4.756e-5: below that, scaling begins.
  EXPECT_EQ(exponentFor(5e-5), 0);
  EXPECT_EQ(exponentFor(2.3e-5), 1);
  EXPECT_EQ(exponentFor(1e-5), 2);
  EXPECT_EQ(exponentFor(1e-9), 4);
  EXPECT_EQ(exponentFor(1e-9, 8), 2);
  EXPECT_EQ(exponentFor(1e-9, 12), -2);
  EXPECT_EQ(exponentFor(0), 0);
  // 65504 / (288 * 0.3 * 600) is 1.26, with 6000 it is 0.126.
  EXPECT_EQ(exponentFor(100), 0);
  EXPECT_EQ(exponentFor(1000), -3);
}

/// A chain of convolutions, batch norm and a residual block, its products
/// made by `make`.
std::unique_ptr<nn::Layer> network(const nn::MakeBackend &make) {
  Result<std::unique_ptr<nn::Layer>> model =
      nn::buildModel({"resnet20", 8, 8, 3, 10}, make, nn::RandomKey(5));
  EXPECT_TRUE(model.ok()) << model.message();
  return std::move(*model);
}

std::vector<float> gradientsOf(nn::Layer &model) {
  const nn::FloatTensor x = normalTensor({4, 8, 8, 3}, 1);
  nn::FloatTensor y;
  nn::FloatTensor dx;
  EXPECT_TRUE(model.forward(x, y, nn::StepContext()).ok());
  const nn::FloatTensor dy = normalTensor(y.shape(), 2);
  EXPECT_TRUE(model.backward(dy, dx, nn::StepContext()).ok());
  std::vector<float> all;
  model.visitParameters([&](nn::Parameter &parameter) {
    all.insert(all.end(), parameter.gradient.values().begin(),
               parameter.gradient.values().end());
  });
  return all;
}

TEST(LossScale, GradientsAreThoseWithoutScaleBitForBit) {
  const auto plain =
      network([](const nn::LayerSpec &layer)
                  -> Result<std::unique_ptr<nn::ContractionBackend>> {
        return std::unique_ptr<nn::ContractionBackend>(
            std::make_unique<nn::FloatBackend>(layer.geometry));
      });
  // Ranges that ask for scales of all sizes, here up, there down.
  int layers = 0;
  const auto scaled =
      network([&](const nn::LayerSpec &layer)
                  -> Result<std::unique_ptr<nn::ContractionBackend>> {
        LossScaleOptions options;
        options.upperExponent = 1 + layers % 5;
        options.totalExponent = 20;
        const GradientRange range = ++layers % 4 == 0
                                        ? GradientRange{1e-20F, 1e-4F}
                                        : GradientRange{1.0F, 1e20F};
        return std::unique_ptr<nn::ContractionBackend>(
            std::make_unique<LossScaledBackend>(
                layer, std::make_unique<nn::FloatBackend>(layer.geometry),
                range, options));
      });
  EXPECT_EQ(gradientsOf(*scaled), gradientsOf(*plain));
  int scaledLayers = 0;
  scaled->visitLayers([&](nn::Layer &layer) {
    if (const nn::ContractionBackend *backend = layer.backend()) {
      scaledLayers += backend->report().gradientScaleExponent != 0;
    }
  });
  EXPECT_GT(scaledLayers, 10);
}

/// The share of input gradients that underflow in fp16, and the exponent.
std::pair<double, int> underflowOf(float deviation, bool isScaled) {
  const nn::LayerSpec layer = {"fc", ConvGeometry::linear(64, 128)};
  const StorageFormat half = {fp16, Rounding::Nearest, Overflow::Infinity};
  std::unique_ptr<nn::ContractionBackend> backend =
      std::make_unique<EmulatedBackend>(layer, LayerFormats{half, half});
  if (isScaled) {
    LossScaleOptions options;
    options.upperExponent = 20;
    options.totalExponent = 20;
    backend = std::make_unique<LossScaledBackend>(
        layer, std::move(backend), GradientRange{fp16.least(), fp16.max()},
        options);
  }
  const nn::FloatTensor x = normalTensor({256, 64}, 1);
  const nn::FloatTensor w = normalTensor({128, 64}, 2, 0.05F);
  const nn::FloatTensor dy = normalTensor({256, 128}, 3, deviation);
  nn::FloatTensor y({256, 128});
  nn::FloatTensor dw({128, 64});
  nn::FloatTensor dx({256, 64});
  EXPECT_TRUE(backend->forward(x, w, y, nn::StepContext()).ok());
  EXPECT_TRUE(backend->backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
  const nn::TensorReport report = backend->report().tensors[2];
  EXPECT_EQ(report.tensor, "fc.inputGradient");
  EXPECT_EQ(report.saturated, 0);
  EXPECT_EQ(report.quantized, 256 * 64);
  EXPECT_EQ(dx.scaleExponent(), backend->report().gradientScaleExponent);
  return {double(report.underflown) / double(report.quantized),
          dx.scaleExponent()};
}

TEST(LossScale, UnderflowStaysBelowTheWantedShare) {
  for (const float deviation : {1e-3F, 3e-6F, 2e-7F}) {
    const auto [share, exponent] = underflowOf(deviation, true);
    EXPECT_LE(share, 2e-3) << deviation;
    const auto [plainShare, plainExponent] = underflowOf(deviation, false);
    EXPECT_EQ(plainExponent, 0);
    if (deviation < 1e-6F) {
      EXPECT_GT(plainShare, 0.05);
      EXPECT_GT(exponent, 5);
    }
  }
}

TEST(LossScale, WhatDoesNotFitIsScaledDownAndItsWeightGradientIsNot) {
  const nn::LayerSpec layer = {"fc", ConvGeometry::linear(3, 2)};
  const auto backend = [&](const GradientRange &range) {
    return std::make_unique<LossScaledBackend>(
        layer, std::make_unique<nn::FloatBackend>(layer.geometry), range,
        LossScaleOptions());
  };
  const nn::FloatTensor x = normalTensor({4, 3}, 1);
  const nn::FloatTensor w = normalTensor({2, 3}, 2);
  nn::FloatTensor dy = normalTensor({4, 2}, 3, 100);
  dy.setScaleExponent(7); // Of branches that met before.
  const auto run = [&](const GradientRange &range) {
    const auto made = backend(range);
    nn::FloatTensor y({4, 2});
    nn::FloatTensor dw({2, 3});
    nn::FloatTensor dx({4, 3});
    EXPECT_TRUE(made->forward(x, w, y, nn::StepContext()).ok());
    EXPECT_TRUE(made->backward(x, w, dy, &dw, &dx, nn::StepContext()).ok());
    return std::tuple(dw, dx);
  };
  const auto [dw, dx] = run({1e-30F, 1e30F});
  const auto [smallDw, smallDx] = run({1e-30F, 1.0F});
  EXPECT_EQ(dx.scaleExponent(), 7);
  EXPECT_LT(smallDx.scaleExponent(), 2);
  for (int64_t i = 0; i < dw.size(); ++i) {
    EXPECT_EQ(smallDw[i], dw[i]);
  }
  for (int64_t i = 0; i < dx.size(); ++i) {
    EXPECT_EQ(std::ldexp(smallDx[i], -smallDx.scaleExponent()),
              std::ldexp(dx[i], -dx.scaleExponent()));
    EXPECT_LE(std::fabs(smallDx[i]), 2.0F);
  }
}

} // namespace
} // namespace lpgen::quant
