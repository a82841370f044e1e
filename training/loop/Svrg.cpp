// Passes of an epoch, and the three kinds of weights.
#include "training/loop/Svrg.h"
#include "training/core/Centering.h"
#include "training/core/ElementLoops.h"
#include "training/policies/PolicyOptions.h"
#include "training/policies/PolicyText.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace lpgen::train {

using Pass = nn::Centering::Pass;
using Weights = SvrgSpec::Weights;

namespace {

struct Kind {
  const char *name;
  const char *summary;
  Weights weights;
  std::vector<PolicyOption> options;
};

} // namespace

static const std::array<Kind, 3> &kinds() {
  static const PolicyOption bits = PolicyOption::whole("bits", 8, 2, 16);
  static const std::array<Kind, 3> all = {
      {{"svrg",
        "gradients with less variance; float32 weights",
        Weights::Float,
        {}},
       {"lp-svrg",
        "the same of weights on a grid of `bits` bits from -range to range",
        Weights::Grid,
        {bits, PolicyOption::number("range", 1, 1e-6, 1e6)}},
       {"halp",
        "the same of a float32 center and offsets of `bits` bits, which reach "
        "as far as the mean gradient / mu",
        Weights::Center,
        {bits, PolicyOption::number("mu", 1, 1e-6, 1e6),
         PolicyOption::choice("products", "integer|float32"),
         PolicyOption::whole("product-bits", 8, 2, 8),
         PolicyOption::choice("keep", "no|yes")}}}};
  return all;
}

std::string svrgHelp() {
  std::string help;
  for (const Kind &kind : kinds()) {
    help += "\n" + usageOf(kind.name, kind.options) + "\n  " + kind.summary;
  }
  return help;
}

Result<std::optional<SvrgSpec>> readSvrg(const std::string &text) {
  const auto *const kind = std::ranges::find_if(kinds(), [&](const Kind &k) {
    return text.substr(0, text.find('<')) == k.name;
  });
  if (kind == kinds().end()) {
    return std::optional<SvrgSpec>();
  }
  const Result<PolicyText> parsed = PolicyText::parse(text, "optimizer");
  LPGEN_RETURN_IF_ERROR(parsed.status());
  const Result<PolicyOptions> options =
      PolicyOptions::read(*parsed, kind->options);
  LPGEN_RETURN_IF_ERROR(options.status());
  SvrgSpec spec;
  spec.weights = kind->weights;
  if (spec.weights != Weights::Float) {
    spec.bits = int(options->whole("bits"));
  }
  if (spec.weights == Weights::Grid) {
    spec.range = options->number("range");
  }
  if (spec.weights == Weights::Center) {
    const bool isInteger = options->choice("products") == 0;
    spec.mu = options->number("mu");
    spec.keeps = options->choice("keep") == 1;
    spec.productBits = isInteger ? int(options->whole("product-bits")) : 0;
    if (!isInteger && (spec.keeps || options->isGiven("product-bits"))) {
      return Status::error("optimizer 'halp': 'keep' and 'product-bits' are of "
                           "products=integer");
    }
  }
  return std::optional(spec);
}

namespace {

class Svrg : public Optimizer {
public:
  Svrg(const SvrgSpec &spec, double weightDecay,
       const std::vector<nn::Parameter *> &parameters)
      : spec(spec), decay(float(weightDecay)),
        steps(parameters.size(), float(spec.range) / float(maxCode())) {
    centering.keeps = spec.keeps;
    for (const nn::Parameter *parameter : parameters) {
      for (auto *tensors : {&centers, &means, &atCenter}) {
        tensors->emplace_back(parameter->value.shape());
      }
      quant::IntTensor &codes = centering.offsets[parameter->name];
      if (spec.weights == Weights::Center) {
        codes.reset(parameter->value.size(), maxCode(), 1);
        clear(codes);
      }
    }
  }

  Status prepare(const std::vector<nn::Parameter *> &parameters,
                 GradientSource &source,
                 const nn::StepContext &context) override {
    if (source.batch() == 0) {
      LPGEN_RETURN_IF_ERROR(beginEpoch(parameters, source, context));
    } else if (spec.keeps && vectors.empty()) { // Just resumed.
      LPGEN_RETURN_IF_ERROR(
          atCenters(parameters, [&] { return keepAll(parameters, source); }));
    }
    for (size_t p = 0; p < parameters.size(); ++p) {
      centering.offsets[parameters[p]->name].setScale(steps[p]);
    }
    if (!spec.keeps) {
      LPGEN_RETURN_IF_ERROR(atCenters(parameters, [&] {
        centering.pass = Pass::Center;
        centering.batch = source.batch();
        return source.find(source.batch(), centering);
      }));
      for (size_t p = 0; p < parameters.size(); ++p) {
        std::ranges::copy(parameters[p]->gradient.values(), atCenter[p].data());
      }
    }
    centering.pass = Pass::Offset;
    centering.batch = source.batch();
    return Status::success();
  }
  const nn::Centering *passOfStep() const override { return &centering; }

  void update(const std::vector<nn::Parameter *> &parameters,
              double learningRate, const nn::StepContext &context) override {
    for (size_t p = 0; p < parameters.size(); ++p) {
      nn::Parameter &parameter = *parameters[p];
      const float *kept = keptGradient(p, parameter);
      const float decays = parameter.decays ? decay : 0.0F;
      const nn::RandomKey random = context.random.of("svrg").of(parameter.name);
      quant::IntTensor &codes = centering.offsets[parameter.name];
      const auto move = [&](int64_t i) {
        const float v = parameter.gradient[i] - (kept ? kept[i] : 0.0F) +
                        means[p][i] + decays * parameter.value[i];
        return double(learningRate) * double(v);
      };
      const double step = steps[p];
      nn::forEachPart(
          context, parameter.value.size(), [&](int, TaskRange range) {
            for (int64_t i = range.begin; i < range.end; ++i) {
              float &w = parameter.value[i];
              switch (spec.weights) {
              case Weights::Float:
                w -= float(move(i));
                break;
              case Weights::Grid:
                w = float(round((double(w) - move(i)) / step, random, i) *
                          step);
                break;
              case Weights::Center:
                codes.visit([&](auto *q) {
                  using Code = std::remove_reference_t<decltype(*q)>;
                  q[i] = Code(round(double(q[i]) - move(i) / step, random, i));
                  w = centers[p][i] + float(q[i]) * codes.scale();
                });
                break;
              }
            }
          });
    }
  }

  std::optional<double> gradientNorm() const override { return norm; }

  void visitState(nn::StateVisitor &visitor) override {
    visitor.visit("svrg.norm", norm);
    visitor.visit("svrg.steps", std::span<float>(steps));
    for (auto &[name, codes] : centering.offsets) {
      codes.visit([&](auto *q) {
        visitor.visitBytes("svrg.offset." + name,
                           std::as_writable_bytes(std::span(
                               q, size_t(isCentered() ? codes.size() : 0))));
      });
    }
    for (size_t p = 0; p < means.size(); ++p) {
      visitor.visit("svrg.center" + std::to_string(p), centers[p]);
      visitor.visit("svrg.mean" + std::to_string(p), means[p]);
    }
  }

private:
  bool isCentered() const { return spec.weights == Weights::Center; }
  int32_t maxCode() const { return quant::symmetricMax(spec.bits); }
  static void clear(quant::IntTensor &codes) {
    codes.visit([&](auto *q) { std::fill_n(q, codes.size(), 0); });
  }
  /// A code of value, rounded stochastically by number i.
  double round(double value, const nn::RandomKey &random, int64_t i) const {
    return std::clamp(std::floor(value + double(random.uniform(uint64_t(i)))),
                      -double(maxCode()), double(maxCode()));
  }
  /// Products of differences give those of filters.
  bool givesDifferences(const nn::Parameter &parameter) const {
    return spec.productBits > 0 && parameter.value.shape().size() > 1;
  }
  /// The batch's gradient at the center; null if it is taken off already.
  const float *keptGradient(size_t p, const nn::Parameter &parameter) const {
    if (givesDifferences(parameter)) {
      return nullptr;
    }
    return spec.keeps ? vectors[size_t(centering.batch)][p].data()
                      : atCenter[p].data();
  }

  /// Calls `find` with the values of the center.
  template <typename Find>
  Status atCenters(const std::vector<nn::Parameter *> &parameters, Find find) {
    for (size_t p = 0; p < parameters.size(); ++p) {
      std::swap(parameters[p]->value, centers[p]);
    }
    const Status status = find();
    for (size_t p = 0; p < parameters.size(); ++p) {
      std::swap(parameters[p]->value, centers[p]);
    }
    return status;
  }

  Status beginEpoch(const std::vector<nn::Parameter *> &parameters,
                    GradientSource &source, const nn::StepContext &context) {
    for (size_t p = 0; p < parameters.size(); ++p) {
      std::ranges::copy(parameters[p]->value.values(), centers[p].data());
    }
    LPGEN_RETURN_IF_ERROR(keepAll(parameters, source));
    double squares = 0;
    for (size_t p = 0; p < parameters.size(); ++p) {
      const nn::Parameter &parameter = *parameters[p];
      const float decays = parameter.decays ? decay : 0.0F;
      const double square =
          quant::sumElements(means[p].size(), context, [&](int64_t i) {
            const double g =
                double(means[p][i]) + double(decays * parameter.value[i]);
            return g * g;
          });
      squares += square;
      if (isCentered()) {
        steps[p] =
            std::max(float(std::sqrt(square) / (spec.mu * double(maxCode()))),
                     std::numeric_limits<float>::min());
        clear(centering.offsets[parameter.name]);
      }
    }
    norm = std::sqrt(squares);
    return Status::success();
  }

  /// The mean gradient of the epoch's batches at the present values, and of
  /// each the gradients of vectors, if these are kept.
  Status keepAll(const std::vector<nn::Parameter *> &parameters,
                 GradientSource &source) {
    centering.pass = Pass::Whole;
    std::vector<std::vector<double>> sums;
    sums.reserve(parameters.size());
    for (const nn::Parameter *parameter : parameters) {
      sums.emplace_back(size_t(parameter->value.size()));
    }
    vectors.clear();
    for (int64_t batch = 0; batch < source.batches(); ++batch) {
      centering.batch = batch;
      LPGEN_RETURN_IF_ERROR(source.find(batch, centering));
      for (size_t p = 0; p < parameters.size(); ++p) {
        const nn::FloatTensor &gradient = parameters[p]->gradient;
        for (int64_t i = 0; i < gradient.size(); ++i) {
          sums[p][size_t(i)] += double(gradient[i]);
        }
      }
      if (spec.keeps) {
        vectors.push_back(vectorsOf(parameters));
      }
    }
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (int64_t i = 0; i < means[p].size(); ++i) {
        means[p][i] = float(sums[p][size_t(i)] / double(source.batches()));
      }
    }
    return Status::success();
  }

  std::vector<std::vector<float>>
  vectorsOf(const std::vector<nn::Parameter *> &parameters) const {
    std::vector<std::vector<float>> all(parameters.size());
    for (size_t p = 0; p < parameters.size(); ++p) {
      if (!givesDifferences(*parameters[p])) {
        const auto values = parameters[p]->gradient.values();
        all[p].assign(values.begin(), values.end());
      }
    }
    return all;
  }

  SvrgSpec spec;
  float decay;
  double norm = 0;          ///< Of the epoch's mean gradient.
  std::vector<float> steps; ///< Of the grids, by parameter.
  nn::Centering centering;
  // By parameter.
  std::vector<nn::FloatTensor> centers;
  std::vector<nn::FloatTensor> means;
  std::vector<nn::FloatTensor> atCenter; ///< Gradients of the step's batch.
  /// The same by batch, of what givesDifferences is not.
  std::vector<std::vector<std::vector<float>>> vectors;
};

} // namespace

std::unique_ptr<Optimizer>
makeSvrg(const SvrgSpec &spec, double weightDecay,
         const std::vector<nn::Parameter *> &parameters) {
  return std::make_unique<Svrg>(spec, weightDecay, parameters);
}

} // namespace lpgen::train
