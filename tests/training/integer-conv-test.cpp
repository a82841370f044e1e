// The three integer products against their definition, bit for bit: widths,
// shapes, chunked reductions, extreme operands, threads.
#include "tests/training/TrainingTesting.h"
#include "training/contractions/IntegerBackend.h"
#include "training/contractions/IntegerConv.h"
#include "training/contractions/Transpose.h"
#include "training/quantizers/FewBitQuantizers.h"
#include "training/quantizers/RangeQuantizer.h"

namespace lpgen::quant {
namespace {

using nn::FloatTensor;

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

/// Visits every product of the convolution of `images` images once, as indices
/// of the input, the weight and the output.
template <typename Visit>
void forEachMac(const ConvGeometry &g, int64_t images, Visit visit) {
  for (int64_t y = 0; y < images * g.outputSize(); ++y) {
    const int64_t o = y % g.outputs;
    const int64_t pixel = y / g.outputs;
    const int64_t image = pixel / g.outPixels();
    const int64_t h = pixel % g.outPixels() / g.outWidth();
    const int64_t v = pixel % g.outWidth();
    for (int64_t k = 0; k < g.reduction(); ++k) {
      const int64_t tap = k / g.groupChannels();
      const int64_t row = h * g.stride + tap / g.kernel - g.padding;
      const int64_t column = v * g.stride + tap % g.kernel - g.padding;
      if (row < 0 || row >= g.height || column < 0 || column >= g.width) {
        continue;
      }
      const int64_t channel =
          o / g.groupOutputs() * g.groupChannels() + k % g.groupChannels();
      visit(((image * g.height + row) * g.width + column) * g.channels +
                channel,
            o * g.reduction() + k, y);
    }
  }
}

struct Sums {
  std::vector<int64_t> y, dx, dw;
};

Sums define(const ConvGeometry &g, int64_t images, const IntTensor &x,
            const IntTensor &w, const IntTensor &dy) {
  Sums sums;
  sums.y.resize(size_t(dy.size()));
  sums.dx.resize(size_t(x.size()));
  sums.dw.resize(size_t(w.size()));
  forEachMac(g, images, [&](int64_t ix, int64_t iw, int64_t iy) {
    sums.y[size_t(iy)] += int64_t{x.at(ix)} * w.at(iw);
    sums.dx[size_t(ix)] += int64_t{dy.at(iy)} * w.at(iw);
    sums.dw[size_t(iw)] += int64_t{dy.at(iy)} * x.at(ix);
  });
  return sums;
}

void expectEqual(const std::vector<int64_t> &expected, const FloatTensor &found,
                 float scale, const char *what) {
  ASSERT_EQ(int64_t(expected.size()), found.size());
  for (int64_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i], float(expected[size_t(i)]) * scale) << what << " " << i;
  }
}

KernelProvider &provider() {
  static KernelProvider kernels(testing::testCompiler());
  return kernels;
}

void expectProductsOf(IntegerConv &conv, const Sums &expected,
                      const IntTensor &x, const IntTensor &w,
                      const IntTensor &dy, int threads) {
  ThreadPool pool(threads);
  nn::StepContext context;
  context.pool = &pool;
  FloatTensor y({dy.size()});
  FloatTensor dx({x.size()});
  FloatTensor dw({w.size()});
  const Status forward = conv.forward(x, w, y, context);
  ASSERT_TRUE(forward.ok()) << forward.message();
  const Status input = conv.inputGradient(dy, w, dx, context);
  ASSERT_TRUE(input.ok()) << input.message();
  const Status weight = conv.weightGradient(x, dy, dw, context);
  ASSERT_TRUE(weight.ok()) << weight.message();
  expectEqual(expected.y, y, x.scale() * w.scale(), "forward");
  expectEqual(expected.dx, dx, dy.scale() * w.scale(), "input gradient");
  expectEqual(expected.dw, dw, x.scale() * dy.scale(), "weight gradient");
}

/// By kernels for whole products where there are some, and by those for
/// matrices.
void expectProducts(const ConvGeometry &g, int64_t images, const IntTensor &x,
                    const IntTensor &w, const IntTensor &dy, int threads) {
  const Sums expected = define(g, images, x, w, dy);
  IntegerConv direct(g, provider());
  expectProductsOf(direct, expected, x, w, dy, threads);
  IntegerConv matrices(g, provider());
  for (const nn::Product product :
       {nn::Product::Forward, nn::Product::InputGradient,
        nn::Product::WeightGradient}) {
    matrices.setSumBits(product, 63); // Wraps nothing here.
  }
  expectProductsOf(matrices, expected, x, w, dy, threads);
}

void expectRandomProducts(const ConvGeometry &g, int64_t images, int32_t xMax,
                          int32_t wMax, int32_t dyMax, int threads = 1) {
  SCOPED_TRACE("kernel " + std::to_string(g.kernel) + " stride " +
               std::to_string(g.stride) + " groups " +
               std::to_string(g.groups) + " maxima " + std::to_string(xMax) +
               " " + std::to_string(wMax) + " " + std::to_string(dyMax));
  expectProducts(
      g, images, testing::randomIntegers(images * g.inputSize(), xMax, 0.5F, 1),
      testing::randomIntegers(g.outputs * g.reduction(), wMax, 0.25F, 2),
      testing::randomIntegers(images * g.outputSize(), dyMax, 0.125F, 3),
      threads);
}

TEST(IntegerConv, IsTheDefinitionForManyShapes) {
  for (const ConvGeometry &g :
       {geometry(6, 5, 7, 3, 1, 1, 1), geometry(7, 4, 6, 3, 2, 1, 2),
        geometry(5, 4, 4, 5, 1, 2, 4), geometry(6, 3, 5, 2, 2, 0, 1),
        geometry(4, 3, 2, 1, 1, 0, 1), geometry(4, 3, 2, 1, 2, 0, 1),
        geometry(3, 2, 3, 5, 3, 3, 1), geometry(5, 3, 4, 3, 1, 0, 1),
        ConvGeometry::linear(70, 13)}) {
    expectRandomProducts(g, 3, 127, 127, 127);
  }
}

TEST(IntegerConv, AllWidths) {
  // 16-bit gradients: 516 terms fit 32 bits, the reductions here are longer or
  // not; with two 16-bit operands w is taken apart.
  const ConvGeometry g = geometry(5, 64, 8, 3, 1, 1, 1);
  expectRandomProducts(g, 2, 127, 127, 32767);
  expectRandomProducts(g, 2, 32767, 127, 127);
  expectRandomProducts(g, 2, 32767, 32767, 32767);
  expectRandomProducts(g, 2, 7, 1, 31);
  expectRandomProducts(geometry(4, 3, 70, 3, 2, 1, 1), 2, 127, 32767, 32767);
}

TEST(IntegerConv, ExtremesDoNotOverflow) {
  // Every product has the same sign: the sums reach their bounds.
  for (const int32_t max : {127, 32767}) {
    const ConvGeometry g = geometry(16, 40, 3, 3, 1, 1, 1);
    IntTensor x;
    IntTensor w;
    IntTensor dy;
    const auto fill = [&](IntTensor &tensor, int64_t size, int32_t limit) {
      tensor.reset(size, limit, 1.0F);
      tensor.visit([&](auto *q) { std::fill_n(q, size, limit); });
    };
    fill(x, 2 * g.inputSize(), max);
    fill(w, g.outputs * g.reduction(), max);
    fill(dy, 2 * g.outputSize(), max);
    expectProducts(g, 2, x, w, dy, 1);
  }
}

TEST(IntegerConv, InputsWithoutNegativeValues) {
  // As behind relu; channels in whole groups, and too few for that.
  for (const ConvGeometry &g :
       {geometry(6, 16, 24, 3, 1, 1, 1), geometry(7, 8, 9, 3, 2, 1, 1),
        geometry(6, 1, 5, 5, 1, 2, 1)}) {
    IntTensor x = testing::randomIntegers(5 * g.inputSize(), 127, 0.5F, 1);
    x.visit([&](auto *q) {
      for (int64_t i = 0; i < x.size(); ++i) {
        q[i] = std::max(q[i], {});
      }
      q[0] = 127;
    });
    x.setNonNegative();
    ASSERT_EQ(x.lowest(), 0);
    expectProducts(
        g, 5, x, testing::randomIntegers(g.outputs * g.reduction(), 127, 1, 2),
        testing::randomIntegers(5 * g.outputSize(), 127, 1, 3), 1);
  }
}

TEST(IntegerConv, ManyImagesInBlocksOfTheWeightGradient) {
  // A block takes 128 images at most; the last one has 2.
  const ConvGeometry g = geometry(3, 5, 4, 3, 1, 1, 1);
  expectRandomProducts(g, 130, 127, 127, 127, 1);
  expectRandomProducts(g, 130, 127, 127, 127, 3);
}

TEST(Transpose, AnySizes) {
  for (const int64_t rows : {1, 4, 15, 16, 17, 32, 40}) {
    for (const int64_t columns : {1, 9, 16, 33, 64}) {
      const int64_t from = columns + 3;
      const int64_t to = rows + 2;
      const IntTensor x = testing::randomIntegers(rows * from, 127, 1, 1);
      std::vector<int8_t> y(size_t(columns * to), int8_t(-128));
      transpose(x.bytes(), rows, columns, from, to, y.data());
      for (int64_t c = 0; c < columns; ++c) {
        for (int64_t r = 0; r < to; ++r) {
          ASSERT_EQ(y[size_t(c * to + r)],
                    r < rows ? x.bytes()[r * from + c] : -128)
              << rows << " x " << columns << ": " << r << ", " << c;
        }
      }
    }
  }
}

TEST(IntegerConv, EqualOnAnyNumberOfThreads) {
  // Several blocks, the last one not full: 12 x 13 pixels, 3 images a block.
  const ConvGeometry g = geometry(12, 6, 5, 3, 1, 1, 1);
  ASSERT_EQ(g.imagesPerBlock(), 3);
  expectRandomProducts(g, 8, 127, 127, 32767, 1);
  expectRandomProducts(g, 8, 127, 127, 32767, 3);
}

TEST(IntegerBackend, WeightsOfOneSignAreExportedWithBothSigns) {
  const ConvGeometry g = geometry(6, 8, 5, 3, 1, 1, 1);
  FloatTensor x({2, 6, 7, 8});
  FloatTensor w(g.weightShape());
  for (FloatTensor *tensor : {&x, &w}) {
    std::ranges::fill(tensor->values(), 1.0F);
  }
  const auto range = [](const char *tensor) {
    return std::make_unique<RangeQuantizer>(tensor, 4, Rounding::Nearest);
  };
  const auto weightRange = [&](LayerQuantizers quantizers) {
    IntegerBackend backend(g, std::move(quantizers), provider());
    FloatTensor y({2, 6, 7, 5});
    nn::StepContext context;
    EXPECT_TRUE(backend.forward(x, w, y, context).ok());
    context.mode = nn::Mode::Evaluate;
    EXPECT_TRUE(backend.forward(x, w, y, context).ok());
    const networks::ForwardTerm term = backend.forwardOperands()->terms.at(0);
    return std::pair(term.weight.lowest, term.weight.highest);
  };
  EXPECT_EQ(weightRange({range("x"), range("w"), range("dy")}),
            std::pair(-15, 15));
  EXPECT_EQ(weightRange({makeLsq("x", 4, LsqTensor::Activation),
                         makeLsq("w", 4, LsqTensor::Weight), nullptr}),
            std::pair(-8, 7));
}

TEST(IntegerBackend, XnorIsTheProductOfSignsAndFilterScales) {
  const ConvGeometry g = geometry(6, 8, 5, 3, 1, 1, 1);
  IntegerBackend backend(
      g, LayerQuantizers{makeSign("x", 1), makeXnorWeights("w"), nullptr},
      provider());
  nn::FloatBackend floats(g);
  FloatTensor x({2, 6, 7, 8});
  FloatTensor w(g.weightShape());
  for (FloatTensor *tensor : {&x, &w}) {
    for (int64_t i = 0; i < tensor->size(); ++i) {
      (*tensor)[i] =
          nn::RandomKey(uint64_t(tensor->size())).normal(uint64_t(i));
    }
  }
  FloatTensor signs = x;
  for (float &value : signs.values()) {
    value = value >= 0 ? 1.0F : -1.0F;
  }
  FloatTensor scaled = w;
  for (int64_t o = 0; o < g.outputs; ++o) {
    float sum = 0;
    for (int64_t i = 0; i < w.sliceSize(); ++i) {
      sum += std::fabs(w[o * w.sliceSize() + i]);
    }
    for (int64_t i = o * w.sliceSize(); i < (o + 1) * w.sliceSize(); ++i) {
      scaled[i] = (w[i] >= 0 ? sum : -sum) / float(w.sliceSize());
    }
  }
  FloatTensor y({2, 6, 7, 5});
  FloatTensor expected(y.shape());
  ASSERT_TRUE(backend.forward(x, w, y, nn::StepContext()).ok());
  ASSERT_TRUE(floats.forward(signs, scaled, expected, nn::StepContext()).ok());
  for (int64_t i = 0; i < y.size(); ++i) {
    EXPECT_NEAR(y[i], expected[i], 1e-4);
  }
  // dL/dx is that of the scaled signs, within |x| <= 1.
  FloatTensor dx(x.shape());
  FloatTensor dw(w.shape());
  ASSERT_TRUE(backend.backward(x, w, y, &dw, &dx, nn::StepContext()).ok());
  FloatTensor expectedDx(x.shape());
  ASSERT_TRUE(
      floats.backward(signs, scaled, y, nullptr, &expectedDx, nn::StepContext())
          .ok());
  for (int64_t i = 0; i < dx.size(); ++i) {
    EXPECT_NEAR(dx[i], std::fabs(x[i]) <= 1 ? expectedDx[i] : 0.0F, 1e-3);
  }
}

TEST(IntegerConv, SaysWhichKernelRan) {
  const ConvGeometry g = ConvGeometry::linear(70, 13);
  IntegerConv conv(g, provider());
  EXPECT_EQ(conv.kernelOf(nn::Product::Forward), "none yet");
  FloatTensor y({3, 13});
  ASSERT_TRUE(conv.forward(testing::randomIntegers(210, 127, 1, 1),
                           testing::randomIntegers(910, 127, 1, 2), y,
                           nn::StepContext())
                  .ok());
  EXPECT_TRUE(conv.kernelOf(nn::Product::Forward)
                  .starts_with("lp_conv_x127_w127_n512_h1_v1_c70_o13_k1_s1_p0_"
                               "s8xs8_i32_"));
}

} // namespace
} // namespace lpgen::quant
