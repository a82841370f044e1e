// Quantizers of few bits against the formulas of their papers, element by
// element.
#include "training/quantizers/FewBitQuantizers.h"
#include "training/quantizers/Hgq.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace lpgen::quant {
namespace {

nn::FloatTensor tensorOf(const std::vector<float> &values) {
  nn::FloatTensor tensor({1, int64_t(values.size())});
  std::ranges::copy(values, tensor.data());
  return tensor;
}

std::vector<int> codesOf(const IntTensor &q) {
  std::vector<int> codes(static_cast<size_t>(q.size()));
  for (int64_t i = 0; i < q.size(); ++i) {
    codes[size_t(i)] = q.at(i);
  }
  return codes;
}

std::vector<float> valuesOf(const nn::FloatTensor &tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

nn::Parameter &onlyParameter(Quantizer &quantizer) {
  nn::Parameter *found = nullptr;
  quantizer.visitParameters([&](nn::Parameter &p) { found = &p; });
  EXPECT_NE(found, nullptr);
  return *found;
}

TEST(Lsq, IntegersMaskAndStepGradient) {
  const auto quantizer = makeLsq("w", 3, LsqTensor::Weight); // -4 .. 3
  IntTensor q;
  const nn::StepContext context;
  const nn::FloatTensor x = tensorOf({0.3F, -0.2F, 5.0F, -9.0F, 0.7F});
  // The first call in training sets the step.
  ASSERT_TRUE(quantizer->quantize(x, context, q).ok());
  EXPECT_NEAR(q.scale(), 2 * (15.2 / 5) / std::sqrt(3.0), 1e-5);
  nn::Parameter &step = onlyParameter(*quantizer);
  EXPECT_EQ(step.name, "w.step");
  EXPECT_FALSE(step.decays);
  step.value[0] = 0.5F;
  ASSERT_TRUE(quantizer->quantize(x, context, q).ok());
  EXPECT_EQ(q.scale(), 0.5F);
  EXPECT_EQ(codesOf(q), (std::vector<int>{1, 0, 3, -4, 1}));
  nn::FloatTensor gradient = tensorOf({1, 2, 3, 4, 5});
  quantizer->backward(x, context, gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{1, 2, 0, 0, 5}));
  // sum g (q - x / s inside, the ends outside) / sqrt(n Qp)
  const double sum =
      1 * (1 - 0.6) + 2 * (0 + 0.4) + 3 * 3.0 + 4 * -4.0 + 5 * (1 - 1.4);
  EXPECT_NEAR(step.gradient[0], sum / std::sqrt(5 * 3.0), 1e-5);
}

TEST(Lsq, ActivationsAreUnsignedAndEvaluationStartsNothing) {
  const auto quantizer = makeLsq("x", 2, LsqTensor::Activation); // 0 .. 3
  IntTensor q;
  nn::StepContext evaluate;
  evaluate.mode = nn::Mode::Evaluate;
  const nn::FloatTensor x = tensorOf({-1.0F, 0.4F, 1.6F, 7.0F});
  ASSERT_TRUE(quantizer->quantize(x, evaluate, q).ok());
  EXPECT_EQ(q.scale(), 1.0F);
  EXPECT_EQ(codesOf(q), (std::vector<int>{0, 0, 2, 3}));
  EXPECT_EQ(q.max(), 3);
}

TEST(Dorefa, WeightsAreOddIntegersOfTanh) {
  const auto quantizer = makeDorefaWeights("w", 2); // n = 3
  IntTensor q;
  const nn::FloatTensor w = tensorOf({-2.0F, -0.1F, 0.1F, 0.9F, 2.0F});
  ASSERT_TRUE(quantizer->quantize(w, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{-3, -1, 1, 3, 3}));
  EXPECT_FLOAT_EQ(q.scale(), 1.0F / 3);
  nn::FloatTensor gradient = tensorOf({1, 1, 1, 1, 1});
  quantizer->backward(w, nn::StepContext(), gradient);
  for (int64_t i = 0; i < w.size(); ++i) {
    const double t = std::tanh(double(w[i]));
    EXPECT_NEAR(gradient[i], (1 - t * t) / std::tanh(2.0), 1e-5);
  }
}

TEST(Dorefa, OneBitIsTheSignTimesTheMean) {
  const auto quantizer = makeDorefaWeights("w", 1);
  IntTensor q;
  const nn::FloatTensor w = tensorOf({-2.0F, 0.0F, 0.5F, -0.5F});
  ASSERT_TRUE(quantizer->quantize(w, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{-1, 1, 1, -1}));
  EXPECT_FLOAT_EQ(q.scale(), 0.75F);
  nn::FloatTensor gradient = tensorOf({1, 2, 3, 4});
  quantizer->backward(w, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Dorefa, ActivationsAreClippedToOne) {
  const auto quantizer = makeDorefaActivations("x", 2);
  IntTensor q;
  const nn::FloatTensor x = tensorOf({-0.5F, 0.2F, 0.5F, 0.9F, 1.5F});
  ASSERT_TRUE(quantizer->quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{0, 1, 2, 3, 3}));
  nn::FloatTensor gradient = tensorOf({1, 1, 1, 1, 1});
  quantizer->backward(x, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{0, 1, 1, 1, 0}));
}

TEST(Binary, SignsPassGradientsWithinTheThreshold) {
  const auto quantizer = makeSign("x", 1.3F);
  IntTensor q;
  const nn::FloatTensor x = tensorOf({-1.5F, -1.2F, -0.0F, 0.3F, 1.3F, 2.0F});
  ASSERT_TRUE(quantizer->quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{-1, -1, 1, 1, 1, 1}));
  EXPECT_EQ(q.scale(), 1.0F);
  EXPECT_EQ(q.max(), 1);
  nn::FloatTensor gradient = tensorOf({1, 2, 3, 4, 5, 6});
  quantizer->backward(x, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{0, 2, 3, 4, 5, 0}));
}

TEST(Binary, XnorWeightsHaveAScaleForEachFilter) {
  const auto quantizer = makeXnorWeights("w");
  IntTensor q;
  nn::FloatTensor w = tensorOf({0.5F, -1.5F, 0.25F, 0.25F});
  w.resize({2, 2});
  ASSERT_TRUE(quantizer->quantize(w, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{1, -1, 1, 1}));
  ASSERT_EQ(quantizer->filterScales().size(), 2u);
  EXPECT_EQ(quantizer->filterScales()[0], 1.0F);
  EXPECT_EQ(quantizer->filterScales()[1], 0.25F);
  nn::FloatTensor gradient = tensorOf({1, 1, 2, 4});
  quantizer->backward(w, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{1.5F, 0.5F, 1.5F, 3.0F}));
}

TEST(Pact, LearnsTheEndOfItsRange) {
  const auto quantizer = makePact("x", 2);
  nn::Parameter &alpha = onlyParameter(*quantizer);
  EXPECT_EQ(alpha.value[0], 8.0F);
  EXPECT_TRUE(alpha.decays);
  alpha.value[0] = 3;
  IntTensor q;
  const nn::FloatTensor x = tensorOf({-1.0F, 0.4F, 1.6F, 3.0F, 9.0F});
  ASSERT_TRUE(quantizer->quantize(x, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{0, 0, 2, 3, 3}));
  EXPECT_EQ(q.scale(), 1.0F);
  nn::FloatTensor gradient = tensorOf({1, 2, 3, 4, 5});
  quantizer->backward(x, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{0, 2, 3, 0, 0}));
  EXPECT_EQ(alpha.gradient[0], 9.0F);
}

TEST(Hgq, FiltersHaveFractionalBitsOfTheirOwn) {
  Hgq quantizer("w", 4, HgqGroups::Filters, 3);
  nn::FloatTensor w = tensorOf({0.9F, -0.3F, 0.1F, 3.0F, 0.0F, -1.0F, 0, 0, 0});
  w.resize({3, 3});
  IntTensor q;
  // Of 4 bits 3 are of the magnitude: 0.9 < 2^0 has 3 fractional ones, 3 < 2^2
  // has 1.
  ASSERT_TRUE(quantizer.quantize(w, nn::StepContext(), q).ok());
  nn::Parameter &fraction = onlyParameter(quantizer);
  EXPECT_EQ(fraction.name, "w.fraction");
  EXPECT_FALSE(fraction.decays);
  EXPECT_EQ(valuesOf(fraction.value),
            (std::vector<float>{3.0F / 16, 1.0F / 16, 0}));
  // 7.2, -2.4, 0.8; 6, 0, -2
  EXPECT_EQ(codesOf(q), (std::vector<int>{7, -2, 1, 6, 0, -2, 0, 0, 0}));
  EXPECT_EQ(std::vector<float>(quantizer.filterScales().begin(),
                               quantizer.filterScales().end()),
            (std::vector<float>{0.125F, 0.5F, 1}));
  EXPECT_EQ(quantizer.groupBits(), (std::vector<int>{4, 4, 0}));
  // A number of fractional bits is rounded where it is used.
  fraction.value[0] = 1.4F / 16;
  ASSERT_TRUE(quantizer.quantize(w, nn::StepContext(), q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{2, -1, 0, 6, 0, -2, 0, 0, 0}));
  EXPECT_EQ(quantizer.groupBits(), (std::vector<int>{3, 4, 0}));

  nn::FloatTensor gradient = tensorOf({1, 2, 3, 4, 5, 6, 7, 8, 9});
  quantizer.backward(w, nn::StepContext(), gradient);
  EXPECT_EQ(valuesOf(gradient),
            (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  // -ln 2 sum g (xq - x) / sqrt(3), of f / 16: (1, -0.5, 0) less x.
  const double sum = 1 * 0.1 + 2 * -0.2 + 3 * -0.1;
  EXPECT_NEAR(fraction.gradient[0], -std::log(2.0) * sum / std::sqrt(3.0) / 16,
              1e-6);
  EXPECT_EQ(fraction.gradient[1], 0);
  quantizer.addCost(0.25); // Where there are bits to lose.
  EXPECT_EQ(fraction.gradient[1], 0.25F / 16);
  EXPECT_EQ(fraction.gradient[2], 0);
}

TEST(Hgq, ClippedElementsPullTheRange) {
  Hgq quantizer("x", 8, HgqGroups::Tensor, 1);
  IntTensor q;
  ASSERT_TRUE(quantizer.quantize(tensorOf({0.5F, 0}), {}, q).ok());
  nn::Parameter &fraction = onlyParameter(quantizer);
  EXPECT_EQ(fraction.value[0], 7.0F / 16); // frexp(0.5) is 2^0.
  EXPECT_EQ(codesOf(q), (std::vector<int>{64, 0}));
  EXPECT_EQ(q.lowest(), 0);
  EXPECT_EQ(quantizer.groupBits(), (std::vector<int>{7}));
  const nn::FloatTensor x = tensorOf({3, 0.25F});
  ASSERT_TRUE(quantizer.quantize(x, {}, q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{127, 32}));
  EXPECT_EQ(quantizer.report().saturated, 1);
  nn::FloatTensor gradient = tensorOf({2, 5});
  quantizer.backward(x, {}, gradient);
  EXPECT_EQ(valuesOf(gradient), (std::vector<float>{0, 5}));
  EXPECT_NEAR(fraction.gradient[0],
              -std::log(2.0) * 2 * 127 / 128 / std::sqrt(2.0) / 16, 1e-6);
}

TEST(Hgq, EvaluationDeclaresTheWidthsThatCameOut) {
  Hgq quantizer("x", 8, HgqGroups::Tensor, 1);
  EXPECT_FALSE(quantizer.quantParams());
  IntTensor q;
  ASSERT_TRUE(quantizer.quantize(tensorOf({0.9F, 0.1F}), {}, q).ok());
  EXPECT_EQ(q.max(), 127); // Kernels of training have one width.
  onlyParameter(quantizer).value[0] = 3.0F / 16;
  ASSERT_TRUE(quantizer.quantize(tensorOf({0.4F, 0.1F}), {}, q).ok());
  nn::StepContext evaluate;
  evaluate.mode = nn::Mode::Evaluate;
  // 0.9 a step ago: 0.99 0.898 8 = 7.1 of 3 bits.
  ASSERT_TRUE(quantizer.quantize(tensorOf({2.0F, -0.5F}), evaluate, q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{7, 0}));
  EXPECT_EQ(q.max(), 7);
  EXPECT_EQ(quantizer.quantParams()->lowest, 0);
  EXPECT_EQ(quantizer.quantParams()->highest, 7);
  EXPECT_EQ(quantizer.quantParams()->scale, 0.125F);

  Hgq weights("w", 3, HgqGroups::Filters, 2);
  nn::FloatTensor w = tensorOf({1, -1});
  w.resize({2, 1});
  ASSERT_TRUE(weights.quantize(w, {}, q).ok()); // 1 < 2: two bits and a sign.
  ASSERT_TRUE(weights.quantize(w, evaluate, q).ok());
  EXPECT_EQ(codesOf(q), (std::vector<int>{2, -2}));
  EXPECT_EQ(q.max(), 3);
  EXPECT_EQ(weights.quantParams()->highest, 3);
  EXPECT_EQ(weights.report().bits, 3);
}

TEST(FewBitQuantizers, RefuseNaN) {
  const nn::FloatTensor bad = tensorOf({1.0F, std::nanf("")});
  IntTensor q;
  for (const auto &quantizer :
       {makeLsq("x", 4, LsqTensor::Weight), makeDorefaWeights("x", 1),
        makeDorefaWeights("x", 4), makeDorefaActivations("x", 4),
        makePact("x", 4), makeSign("x", 1), makeXnorWeights("x"),
        std::unique_ptr<Quantizer>(
            std::make_unique<Hgq>("x", 8, HgqGroups::Tensor, 1))}) {
    const Status status = quantizer->quantize(bad, nn::StepContext(), q);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.message(),
              "tensor 'x' holds values that are no numbers: the run diverged; "
              "remedy: a smaller learning rate");
  }
}

/// Saturated and underflown elements of x; a learned step is 1.
std::pair<int64_t, int64_t> countsOf(Quantizer &quantizer,
                                     const nn::FloatTensor &x) {
  const nn::StepContext context;
  IntTensor q;
  EXPECT_TRUE(quantizer.quantize(x, context, q).ok()); // Starts a step.
  quantizer.visitParameters([](nn::Parameter &parameter) {
    if (parameter.name.ends_with(".step")) {
      parameter.value[0] = 1;
    }
  });
  const nn::TensorReport before = quantizer.report();
  EXPECT_TRUE(quantizer.quantize(x, context, q).ok());
  const nn::TensorReport after = quantizer.report();
  EXPECT_EQ(after.quantized - before.quantized, x.size());
  nn::StepContext evaluate;
  evaluate.mode = nn::Mode::Evaluate;
  EXPECT_TRUE(quantizer.quantize(x, evaluate, q).ok());
  EXPECT_EQ(quantizer.report().quantized, after.quantized);
  return {after.saturated - before.saturated,
          after.underflown - before.underflown};
}

TEST(FewBitQuantizers, ReportsWidthsAndWhatIsLost) {
  using Counts = std::pair<int64_t, int64_t>;
  // Beyond the last code by more than half a step is saturated.
  const nn::FloatTensor x =
      tensorOf({0.0F, 0.1F, -0.3F, -0.6F, 1.1F, 3.4F, 3.6F, -4.6F});
  const auto weight = makeLsq("w", 3, LsqTensor::Weight); // -4 .. 3, step 1
  EXPECT_EQ(weight->report().bits, 3);
  EXPECT_EQ(weight->report().tensor, "w");
  EXPECT_EQ(countsOf(*weight, x), Counts(2, 2));
  const auto activation = makeLsq("x", 2, LsqTensor::Activation); // 0 .. 3
  EXPECT_EQ(activation->report().bits, 2);
  EXPECT_EQ(countsOf(*activation, x), Counts(3, 4));
  const auto pact = makePact("p", 4); // 0 .. 8 in 15 steps
  EXPECT_EQ(pact->report().bits, 4);
  EXPECT_EQ(countsOf(*pact, x), Counts(3, 4));
  // What is not clipped but squeezed, or has no zero, loses nothing.
  const auto dorefa = makeDorefaWeights("d", 2);
  EXPECT_EQ(dorefa->report().bits, 2);
  EXPECT_EQ(countsOf(*dorefa, x), Counts(0, 0));
  for (const auto &sign : {makeSign("s", 1.0F), makeXnorWeights("s")}) {
    EXPECT_EQ(sign->report().bits, 1);
    EXPECT_EQ(countsOf(*sign, x), Counts(0, 0));
  }
}

} // namespace
} // namespace lpgen::quant
