// Element by element, so that no sum depends on the number of threads.
#include "training/loop/Optimizer.h"
#include "base/system/NearestName.h"
#include "training/loop/Madam.h"
#include "training/loop/Svrg.h"
#include <cmath>
#include <numbers>

namespace lpgen::train {

namespace {

/// One tensor of zeros for each parameter.
std::vector<nn::FloatTensor>
stateFor(const std::vector<nn::Parameter *> &parameters) {
  std::vector<nn::FloatTensor> state;
  state.reserve(parameters.size());
  for (const nn::Parameter *parameter : parameters) {
    state.emplace_back(parameter->value.shape());
  }
  return state;
}

///   g += decay w;  v = momentum v + g;  w -= rate v
class Sgd : public Optimizer {
public:
  Sgd(const OptimizerSpec &spec, const std::vector<nn::Parameter *> &parameters)
      : spec(spec), velocity(stateFor(parameters)) {}

  void update(const std::vector<nn::Parameter *> &parameters,
              double learningRate, const nn::StepContext &context) override {
    const auto rate = float(learningRate);
    const auto momentum = float(spec.momentum);
    for (size_t p = 0; p < parameters.size(); ++p) {
      nn::Parameter &parameter = *parameters[p];
      nn::FloatTensor &v = velocity[p];
      const float decay = parameter.decays ? float(spec.weightDecay) : 0.0F;
      nn::forEachPart(context, v.size(), [&](int, TaskRange range) {
        for (int64_t i = range.begin; i < range.end; ++i) {
          const float g = parameter.gradient[i] + decay * parameter.value[i];
          v[i] = momentum * v[i] + g;
          parameter.value[i] -= rate * v[i];
        }
      });
    }
  }
  void visitState(nn::StateVisitor &visitor) override {
    for (size_t p = 0; p < velocity.size(); ++p) {
      visitor.visit("sgd.velocity" + std::to_string(p), velocity[p]);
    }
  }

private:
  OptimizerSpec spec;
  std::vector<nn::FloatTensor> velocity;
};

/// Kingma and Ba 2015, with beta 0.9 and 0.999, epsilon 1e-8:
///   g += decay w;  m = b1 m + (1 - b1) g;  s = b2 s + (1 - b2) g g
///   w -= rate (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + epsilon)
class Adam : public Optimizer {
public:
  Adam(const OptimizerSpec &spec,
       const std::vector<nn::Parameter *> &parameters)
      : spec(spec), first(stateFor(parameters)), second(stateFor(parameters)) {}

  void update(const std::vector<nn::Parameter *> &parameters,
              double learningRate, const nn::StepContext &context) override {
    ++updates;
    const auto rate =
        float(learningRate * std::sqrt(1.0 - std::pow(0.999, double(updates))) /
              (1.0 - std::pow(0.9, double(updates))));
    const auto epsilon =
        float(1e-8 * std::sqrt(1.0 - std::pow(0.999, double(updates))));
    for (size_t p = 0; p < parameters.size(); ++p) {
      nn::Parameter &parameter = *parameters[p];
      const float decay = parameter.decays ? float(spec.weightDecay) : 0.0F;
      nn::forEachPart(context, first[p].size(), [&](int, TaskRange range) {
        for (int64_t i = range.begin; i < range.end; ++i) {
          const float g = parameter.gradient[i] + decay * parameter.value[i];
          first[p][i] = 0.9F * first[p][i] + 0.1F * g;
          second[p][i] = 0.999F * second[p][i] + 0.001F * g * g;
          parameter.value[i] -=
              rate * first[p][i] / (std::sqrt(second[p][i]) + epsilon);
        }
      });
    }
  }
  void visitState(nn::StateVisitor &visitor) override {
    visitor.visit("adam.updates", updates);
    for (size_t p = 0; p < first.size(); ++p) {
      visitor.visit("adam.first" + std::to_string(p), first[p]);
      visitor.visit("adam.second" + std::to_string(p), second[p]);
    }
  }

private:
  OptimizerSpec spec;
  int64_t updates = 0;
  std::vector<nn::FloatTensor> first;
  std::vector<nn::FloatTensor> second;
};

} // namespace

Result<std::unique_ptr<Optimizer>>
makeOptimizer(const OptimizerSpec &spec,
              const std::vector<nn::Parameter *> &parameters) {
  if (spec.name == "sgd") {
    return std::unique_ptr<Optimizer>(std::make_unique<Sgd>(spec, parameters));
  }
  if (spec.name == "adam") {
    return std::unique_ptr<Optimizer>(std::make_unique<Adam>(spec, parameters));
  }
  if (spec.name == "madam") {
    return makeMadam(parameters);
  }
  const Result<std::optional<SvrgSpec>> svrg = readSvrg(spec.name);
  LPGEN_RETURN_IF_ERROR(svrg.status());
  if (svrg->has_value()) {
    return makeSvrg(**svrg, spec.weightDecay, parameters);
  }
  static const std::vector<std::string> known = {"sgd",  "adam",    "madam",
                                                 "svrg", "lp-svrg", "halp"};
  return Status::error(
      "unknown optimizer " +
      quoteWithNearest(spec.name.substr(0, spec.name.find('<')), known));
}

Result<Schedule> parseSchedule(const std::string &name) {
  if (name == "constant") {
    return Schedule::Constant;
  }
  if (name == "step") {
    return Schedule::Step;
  }
  if (name == "cosine") {
    return Schedule::Cosine;
  }
  if (name == "slow-start") {
    return Schedule::SlowStart;
  }
  static const std::vector<std::string> known = {"constant", "step", "cosine",
                                                 "slow-start"};
  return Status::error("unknown schedule " + quoteWithNearest(name, known));
}

double learningRateAt(Schedule schedule, double base, int64_t step,
                      int64_t steps) {
  switch (schedule) {
  case Schedule::Constant:
    return base;
  case Schedule::Step:
    return base * (4 * step >= 3 * steps ? 0.01 : 2 * step >= steps ? 0.1 : 1);
  case Schedule::Cosine:
    return base *
           (1.0 + std::cos(std::numbers::pi * double(step) / double(steps))) /
           2.0;
  case Schedule::SlowStart: {
    constexpr double top = 0.6;
    const double part = double(step) / double(steps);
    return part < top ? base * (0.05 + 0.95 * part / top)
                      : base * std::pow(0.01, (part - top) / (1 - top));
  }
  }
  return base;
}

} // namespace lpgen::train
