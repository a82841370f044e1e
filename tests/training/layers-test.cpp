// Every layer against finite differences, known values, and its independence of
// the number of threads.
#include "training/contractions/FloatBackend.h"
#include "training/contractions/OrderedBackend.h"
#include "training/layers/BatchNorm.h"
#include "training/layers/Containers.h"
#include "training/layers/ContractionLayer.h"
#include "training/layers/FusedNormActPool.h"
#include "training/layers/GradientCheck.h"
#include "training/layers/Loss.h"
#include "training/layers/SimpleLayers.h"
#include "training/models/Models.h"
#include <algorithm>
#include <gtest/gtest.h>

namespace lpgen::nn {
namespace {

FloatTensor normalTensor(std::vector<int64_t> shape, uint64_t seed) {
  FloatTensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = RandomKey(seed).normal(uint64_t(i));
  }
  return tensor;
}

/// Values 0.05 apart in random order, none near 0: no kink of relu or max
/// pooling lies within a step of 0.01.
FloatTensor separatedTensor(std::vector<int64_t> shape, uint64_t seed) {
  FloatTensor tensor(std::move(shape));
  const std::vector<int64_t> order = RandomKey(seed).permutation(tensor.size());
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] =
        0.05F * (float(order[size_t(i)]) - 0.5F * float(tensor.size()) + 0.5F);
  }
  return tensor;
}

std::unique_ptr<ContractionLayer> makeConv(const ConvGeometry &g) {
  return std::make_unique<Conv2d>("conv", g, Bias::Yes, InputGradient::Wanted,
                                  std::make_unique<FloatBackend>(g),
                                  RandomKey(3));
}

void expectGradients(Layer &layer, const FloatTensor &x, double tolerance) {
  ThreadPool pool(2);
  StepContext context;
  context.pool = &pool;
  const Result<GradientDifference> worst =
      checkGradients(layer, x, context, 40, 0.01F);
  ASSERT_TRUE(worst.ok()) << worst.message();
  EXPECT_LE(worst->relative, tolerance)
      << worst->place << ": backward " << worst->analytic
      << ", finite difference " << worst->numeric;
}

ConvGeometry geometry(int64_t size, int64_t channels, int64_t outputs,
                      int64_t kernel, int64_t stride, int64_t padding,
                      int64_t groups) {
  ConvGeometry g;
  g.height = size;
  g.width = size + 1;
  g.channels = channels;
  g.outputs = outputs;
  g.kernel = kernel;
  g.stride = stride;
  g.padding = padding;
  g.groups = groups;
  return g;
}

const std::vector<ConvGeometry> &geometries() {
  static const std::vector<ConvGeometry> all = {
      geometry(6, 3, 4, 3, 1, 1, 1), geometry(7, 4, 6, 3, 2, 1, 2),
      geometry(5, 4, 4, 5, 1, 2, 4), geometry(6, 3, 5, 2, 2, 0, 1),
      geometry(4, 3, 2, 1, 1, 0, 1), geometry(3, 2, 3, 5, 3, 3, 1),
      ConvGeometry::linear(7, 5)};
  return all;
}

/// The definition, without columns.
float convolveAt(const ConvGeometry &g, const FloatTensor &x,
                 const FloatTensor &w, int64_t n, int64_t h, int64_t v,
                 int64_t o) {
  const int64_t group = o / g.groupOutputs();
  double sum = 0;
  for (int64_t r = 0; r < g.kernel; ++r) {
    for (int64_t s = 0; s < g.kernel; ++s) {
      const int64_t row = h * g.stride + r - g.padding;
      const int64_t column = v * g.stride + s - g.padding;
      if (row < 0 || row >= g.height || column < 0 || column >= g.width) {
        continue;
      }
      for (int64_t c = 0; c < g.groupChannels(); ++c) {
        sum +=
            double(x[((n * g.height + row) * g.width + column) * g.channels +
                     group * g.groupChannels() + c]) *
            double(
                w[((o * g.kernel + r) * g.kernel + s) * g.groupChannels() + c]);
      }
    }
  }
  return float(sum);
}

TEST(Conv2d, IsTheConvolution) {
  for (const ConvGeometry &g : geometries()) {
    const FloatTensor x = normalTensor({3, g.height, g.width, g.channels}, 11);
    const FloatTensor w = normalTensor(g.weightShape(), 12);
    FloatTensor y({3, g.outHeight(), g.outWidth(), g.outputs});
    FloatBackend backend(g);
    ASSERT_TRUE(backend.forward(x, w, y, StepContext()).ok());
    for (int64_t i = 0; i < y.size(); ++i) {
      const int64_t pixel = i / g.outputs;
      EXPECT_NEAR(y[i],
                  convolveAt(g, x, w, pixel / g.outPixels(),
                             pixel % g.outPixels() / g.outWidth(),
                             pixel % g.outWidth(), i % g.outputs),
                  1e-4)
          << "element " << i;
    }
  }
}

/// The same in float32, terms in order, each added with one rounding.
float orderedAt(const ConvGeometry &g, const FloatTensor &x,
                const FloatTensor &w, int64_t n, int64_t h, int64_t v,
                int64_t o) {
  float sum = 0;
  for (int64_t k = 0; k < g.reduction(); ++k) {
    const int64_t row = h * g.stride + k / g.channels / g.kernel - g.padding;
    const int64_t column = v * g.stride + k / g.channels % g.kernel - g.padding;
    const bool isInside =
        row >= 0 && row < g.height && column >= 0 && column < g.width;
    const float value =
        isInside ? x[((n * g.height + row) * g.width + column) * g.channels +
                     k % g.channels]
                 : 0.0F;
    sum = std::fma(value, w[o * g.reduction() + k], sum);
  }
  return sum;
}

TEST(OrderedBackend, EvaluateInTheOrderOfTheWeights) {
  for (const ConvGeometry &g : geometries()) {
    if (g.groups != 1) {
      continue;
    }
    const FloatTensor x = normalTensor({2, g.height, g.width, g.channels}, 11);
    const FloatTensor w = normalTensor(g.weightShape(), 12);
    FloatTensor y({2, g.outHeight(), g.outWidth(), g.outputs});
    OrderedBackend backend(g);
    ThreadPool pool(2);
    StepContext context;
    context.pool = &pool;
    context.mode = Mode::Evaluate;
    ASSERT_TRUE(backend.forward(x, w, y, context).ok());
    EXPECT_TRUE(std::ranges::equal(backend.forwardOperands()->floatWeights,
                                   w.values()));
    for (int64_t i = 0; i < y.size(); ++i) {
      const int64_t pixel = i / g.outputs;
      EXPECT_EQ(y[i], orderedAt(g, x, w, pixel / g.outPixels(),
                                pixel % g.outPixels() / g.outWidth(),
                                pixel % g.outWidth(), i % g.outputs))
          << "element " << i;
    }
    FloatTensor trained(y.shape());
    FloatTensor blas(y.shape());
    ASSERT_TRUE(backend.forward(x, w, trained, StepContext()).ok());
    ASSERT_TRUE(FloatBackend(g).forward(x, w, blas, StepContext()).ok());
    EXPECT_TRUE(std::ranges::equal(trained.values(), blas.values()));
  }
}

TEST(Conv2d, Gradients) {
  for (const ConvGeometry &g : geometries()) {
    SCOPED_TRACE(std::to_string(g.kernel) + " stride " +
                 std::to_string(g.stride) + " groups " +
                 std::to_string(g.groups));
    expectGradients(*makeConv(g),
                    normalTensor({3, g.height, g.width, g.channels}, 5), 2e-3);
  }
}

TEST(Conv2d, BlocksAndPartsCoverTheBatch) {
  // 40 images of 16 x 16 outputs are more blocks than parts.
  const ConvGeometry g = geometry(16, 2, 3, 3, 1, 1, 1);
  expectGradients(*makeConv(g), normalTensor({40, 16, 17, 2}, 5), 3e-3);
}

TEST(SimpleLayers, Gradients) {
  Relu relu("relu");
  expectGradients(relu, separatedTensor({4, 9}, 1), 1e-3);
  Pool max("max", Pool::Kind::Max, 2, 2);
  expectGradients(max, separatedTensor({2, 5, 6, 3}, 2), 1e-3);
  Pool overlapping("overlapping", Pool::Kind::Max, 3, 2);
  expectGradients(overlapping, separatedTensor({2, 7, 7, 2}, 3), 1e-3);
  Pool average("average", Pool::Kind::Average, 3, 2);
  expectGradients(average, normalTensor({2, 7, 5, 3}, 4), 1e-3);
  Flatten flatten("flatten");
  expectGradients(flatten, normalTensor({2, 3, 2, 2}, 5), 1e-3);
  PaddedShortcut shortcut("shortcut", 2, 5);
  expectGradients(shortcut, normalTensor({2, 5, 6, 3}, 6), 1e-3);
}

TEST(SimpleLayers, ReluLetsNaNThrough) {
  FloatTensor x({2});
  x[0] = std::nanf("");
  x[1] = -1;
  FloatTensor y;
  Relu relu("relu");
  ASSERT_TRUE(relu.forward(x, y, StepContext()).ok());
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 0.0F);
}

TEST(BatchNorm, Gradients) {
  BatchNorm norm("norm", 3);
  norm.visitParameters([](Parameter &parameter) {
    for (int64_t i = 0; i < parameter.value.size(); ++i) {
      parameter.value[i] += 0.3F * float(i);
    }
  });
  expectGradients(norm, normalTensor({4, 3, 2, 3}, 8), 3e-3);
}

TEST(BatchNorm, NormalizesAndEvaluatesWithRunningStatistics) {
  BatchNorm norm("norm", 2);
  FloatTensor x = normalTensor({64, 2}, 9);
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = 3.0F * x[i] + 100.0F * float(i % 2);
  }
  FloatTensor y;
  StepContext context;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(norm.forward(x, y, context).ok());
  }
  double sum = 0;
  double squares = 0;
  for (int64_t i = 1; i < y.size(); i += 2) {
    sum += double(y[i]);
    squares += double(y[i]) * double(y[i]);
  }
  EXPECT_NEAR(sum / 64, 0, 1e-4);
  EXPECT_NEAR(squares / 64, 1, 1e-3);
  // The running variance is the unbiased one: 64 / 63 of the batch's.
  FloatTensor evaluated;
  context.mode = Mode::Evaluate;
  ASSERT_TRUE(norm.forward(x, evaluated, context).ok());
  for (int64_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(evaluated[i], double(y[i]) * std::sqrt(63.0 / 64.0), 1e-3);
  }
}

/// Batch norm with uneven parameters; relu and max pooling of 2x2 if wanted.
std::vector<std::unique_ptr<Layer>> unitLayers(int64_t channels, bool pools) {
  std::vector<std::unique_ptr<Layer>> layers;
  layers.push_back(std::make_unique<BatchNorm>("norm", channels));
  layers.back()->visitParameters([](Parameter &parameter) {
    for (int64_t i = 0; i < parameter.value.size(); ++i) {
      parameter.value[i] += i % 2 == 0 ? 0.3F * float(i) : -1.5F; // Both signs.
    }
  });
  layers.push_back(std::make_unique<Relu>("relu"));
  if (pools) {
    layers.push_back(std::make_unique<Pool>("pool", Pool::Kind::Max, 2, 2));
  }
  return layers;
}

TEST(FusedNormActPool, IsItsLayersOneAfterTheOther) {
  ThreadPool threads(2);
  for (const bool pools : {false, true}) {
    for (const int64_t channels : {1, 3, 16, 37}) {
      const FloatTensor x = normalTensor({5, 7, 6, channels}, 11);
      Sequential chain("chain");
      for (auto &layer : unitLayers(channels, pools)) {
        chain.add(std::move(layer));
      }
      const auto layers = unitLayers(channels, pools);
      for (const Mode mode : {Mode::Train, Mode::Evaluate, Mode::Train}) {
        StepContext context;
        context.mode = mode;
        context.pool = &threads;
        FloatTensor y;
        ASSERT_TRUE(chain.forward(x, y, context).ok());
        std::vector<FloatTensor> outputs = {x};
        outputs.resize(layers.size() + 1);
        for (size_t i = 0; i < layers.size(); ++i) {
          ASSERT_TRUE(
              layers[i]->forward(outputs[i], outputs[i + 1], context).ok());
        }
        ASSERT_EQ(y.shape(), outputs.back().shape());
        EXPECT_TRUE(std::ranges::equal(y.values(), outputs.back().values()));
        if (mode == Mode::Evaluate) {
          continue;
        }
        FloatTensor gradient = normalTensor(y.shape(), 12);
        FloatTensor dx;
        ASSERT_TRUE(chain.backward(gradient, dx, context).ok());
        for (size_t i = layers.size(); i-- > 0;) {
          FloatTensor next;
          ASSERT_TRUE(layers[i]->backward(gradient, next, context).ok());
          gradient = next;
        }
        // Sums over pixels may be taken in another order.
        ASSERT_EQ(dx.shape(), gradient.shape());
        for (int64_t i = 0; i < dx.size(); ++i) {
          EXPECT_NEAR(dx[i], gradient[i], 1e-5F) << i;
        }
      }
    }
  }
}

TEST(FusedNormActPool, EqualPixelsOfAWindowGiveTheGradientToTheFirst) {
  Sequential chain("chain");
  for (auto &layer : unitLayers(1, true)) {
    chain.add(std::move(layer));
  }
  FloatTensor x({1, 2, 4, 1});
  for (const int64_t i : {1, 4, 5}) {
    x[i] = 2; // Of the left window all but the first pixel.
  }
  x[3] = 1;
  FloatTensor y;
  ASSERT_TRUE(chain.forward(x, y, StepContext()).ok());
  FloatTensor dy({1, 1, 2, 1});
  dy[0] = 1;
  FloatTensor dx;
  ASSERT_TRUE(chain.backward(dy, dx, StepContext()).ok());
  EXPECT_GT(dx[1], dx[4] + 0.5F);
  EXPECT_EQ(dx[4], dx[5]);
}

TEST(FusedNormActPool, Gradients) {
  for (const bool pools : {false, true}) {
    Sequential chain("chain");
    for (auto &layer : unitLayers(3, pools)) {
      chain.add(std::move(layer));
    }
    // Kinks of relu lie within a step now and then.
    expectGradients(chain, normalTensor({4, 5, 4, 3}, 13), 2e-2);
  }
}

TEST(Containers, ResidualGradients) {
  for (const bool hasShortcut : {false, true}) {
    const ConvGeometry g =
        geometry(5, 3, hasShortcut ? 4 : 3, 3, hasShortcut ? 2 : 1, 1, 1);
    auto main = std::make_unique<Sequential>("main");
    main->add(makeConv(g));
    auto shortcut = std::make_unique<Sequential>("short");
    if (hasShortcut) {
      shortcut->add(std::make_unique<PaddedShortcut>("pad", 2, 4));
    }
    Residual block("block", std::move(main), std::move(shortcut),
                   hasShortcut ? Activation::Sign : Activation::Relu);
    // Kinks of relu lie within a step now and then; a small step misses them.
    expectGradients(block, normalTensor({2, 5, 6, 3}, 10), 2e-2);
  }
}

TEST(Loss, KnownValueAndGradient) {
  FloatTensor scores({2, 3});
  scores[1] = 1;
  scores[5] = 50; // The second image is right beyond doubt.
  FloatTensor gradient;
  const LossValue loss = softmaxCrossEntropy(scores, {0, 2}, 8.0F, &gradient);
  const double total = 2.0 + std::exp(1.0);
  EXPECT_NEAR(loss.sum, std::log(total), 1e-6);
  EXPECT_EQ(loss.correct, 1);
  EXPECT_NEAR(gradient[0], 8.0 * (1 / total - 1) / 2, 1e-6);
  EXPECT_NEAR(gradient[1], 8.0 * std::exp(1.0) / total / 2, 1e-6);
  EXPECT_NEAR(gradient[5], 0, 1e-6);
}

MakeBackend floatBackends() {
  return [](const LayerSpec &layer)
             -> Result<std::unique_ptr<ContractionBackend>> {
    return std::unique_ptr<ContractionBackend>(
        std::make_unique<FloatBackend>(layer.geometry));
  };
}

/// All gradients of one step of a network.
std::vector<float> gradientsOf(const ModelSpec &spec, int threads) {
  ThreadPool pool(threads);
  StepContext context;
  context.pool = &pool;
  Result<std::unique_ptr<Layer>> model =
      buildModel(spec, floatBackends(), RandomKey(1));
  EXPECT_TRUE(model.ok()) << model.message();
  const FloatTensor x =
      normalTensor({5, spec.height, spec.width, spec.channels}, 2);
  FloatTensor scores;
  FloatTensor gradient;
  FloatTensor ignored;
  EXPECT_TRUE((*model)->forward(x, scores, context).ok());
  EXPECT_EQ(scores.shape(), (std::vector<int64_t>{5, spec.classes}));
  softmaxCrossEntropy(scores, {0, 1, 2, 3, 4}, 1.0F, &gradient);
  EXPECT_TRUE((*model)->backward(gradient, ignored, context).ok());
  std::vector<float> all;
  (*model)->visitParameters([&](Parameter &parameter) {
    all.insert(all.end(), parameter.gradient.values().begin(),
               parameter.gradient.values().end());
  });
  return all;
}

TEST(Models, EqualGradientsOnAnyNumberOfThreads) {
  for (const char *name : {"mlp", "lenet", "cnn", "resnet20"}) {
    const ModelSpec spec = {name, 16, 16, 3, 10};
    const std::vector<float> one = gradientsOf(spec, 1);
    EXPECT_EQ(one, gradientsOf(spec, 3)) << name;
    EXPECT_TRUE(std::ranges::any_of(one, [](float g) { return g != 0; }));
    EXPECT_TRUE(
        std::ranges::all_of(one, [](float g) { return std::isfinite(g); }));
  }
}

TEST(Models, Errors) {
  const auto message = [](const ModelSpec &spec) {
    const auto model = buildModel(spec, floatBackends(), RandomKey(1));
    return model.ok() ? "" : model.message();
  };
  EXPECT_EQ(
      message({"inception", 8, 8, 1, 10}),
      "unknown model 'inception', expected one of logistic, mlp, lenet, cnn, "
      "vgg-small, resnet20, resnet32");
  EXPECT_EQ(message({"restnet20", 8, 8, 1, 10}),
            "unknown model 'restnet20', expected 'resnet20'");
  EXPECT_EQ(message({"vgg-small", 4, 4, 1, 10}),
            "images are too small for layer 'pool3' of model 'vgg-small'; use "
            "larger images or model 'mlp'");
  EXPECT_EQ(message({"resnet20", 16, 32, 3, 10}),
            "model 'resnet20' needs square images, found 4x8 at layer 'pool'");
}

} // namespace
} // namespace lpgen::nn
