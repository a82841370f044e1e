// Functions of one number.
#include "networks/import/onnx/Elementwise.h"
#include <cmath>

namespace lpgen::importer::onnx {

using builder::Expression;

static Expression real(double number) {
  return Expression::real(float(number));
}
static Expression call(const char *function, const Expression &x) {
  return Expression::call(function, {x});
}
static Expression select(const Expression &condition, const Expression &a,
                         const Expression &b) {
  return Expression::call("select", {condition, a, b});
}
static Expression positive(const Expression &x) {
  return Expression::call("max", {x, real(0)});
}
static Expression negative(const Expression &x) {
  return Expression::call("min", {x, real(0)});
}

/// log(e^x + 1), where e^x does not overflow.
static Expression softplus(const Expression &x) {
  return positive(x) +
         call("log", call("exp", Expression(0) - call("abs", x)) + real(1));
}
static Expression hardSigmoid(const Expression &x, float alpha, float beta) {
  return Expression::call(
      "clamp",
      {x * Expression::real(alpha) + Expression::real(beta), real(0), real(1)});
}
static Expression gelu(const Expression &x) {
  return x * real(0.5) * (call("erf", x * real(M_SQRT1_2)) + real(1));
}
static Expression geluByTanh(const Expression &x) {
  const Expression cubed = x * x * x;
  return x * real(0.5) *
         (call("tanh",
               (cubed * real(0.044715) + x) * real(std::sqrt(2 / M_PI))) +
          real(1));
}

namespace {
/// A function with up to two attributes, alpha first; their values where the
/// node has none.
struct Function {
  const char *operation;
  Expression (*of)(const Expression &x, float alpha, float second);
  const char *attributes = "";
  float alpha = 0;
  float second = 0;

  std::string secondName() const {
    const std::string names = attributes;
    const size_t space = names.find(' ');
    return space == std::string::npos ? "" : names.substr(space + 1);
  }
};
} // namespace

static constexpr Function functions[] = {
    {"Exp", [](const Expression &x, float, float) { return call("exp", x); }},
    {"Log", [](const Expression &x, float, float) { return call("log", x); }},
    {"Sqrt", [](const Expression &x, float, float) { return call("sqrt", x); }},
    {"Erf", [](const Expression &x, float, float) { return call("erf", x); }},
    {"Tanh", [](const Expression &x, float, float) { return call("tanh", x); }},
    {"Sigmoid",
     [](const Expression &x, float, float) { return call("sigmoid", x); }},
    {"Reciprocal",
     [](const Expression &x, float, float) { return real(1) / x; }},
    {"Softplus", [](const Expression &x, float, float) { return softplus(x); }},
    {"Softsign", [](const Expression &x, float,
                    float) { return x / (call("abs", x) + real(1)); }},
    {"Elu",
     [](const Expression &x, float alpha, float) {
       return select(x >= real(0), x,
                     (call("exp", x) - real(1)) * Expression::real(alpha));
     },
     "alpha", 1},
    {"Selu",
     [](const Expression &x, float alpha, float gamma) {
       return select(x > real(0), x,
                     call("exp", x) * Expression::real(alpha) -
                         Expression::real(alpha)) *
              Expression::real(gamma);
     },
     "alpha gamma", 1.67326319F, 1.05070102F},
    {"Celu",
     [](const Expression &x, float alpha, float) {
       return positive(x) +
              negative((call("exp", x / Expression::real(alpha)) - real(1)) *
                       Expression::real(alpha));
     },
     "alpha", 1},
    {"ThresholdedRelu",
     [](const Expression &x, float alpha, float) {
       return select(x > Expression::real(alpha), x, real(0));
     },
     "alpha", 1},
    {"LeakyRelu",
     [](const Expression &x, float alpha, float) {
       return positive(x) + negative(x) * Expression::real(alpha);
     },
     "alpha", 0.01F},
    {"HardSigmoid", hardSigmoid, "alpha beta", 0.2F, 0.5F},
    {"HardSwish", [](const Expression &x, float,
                     float) { return x * hardSigmoid(x, 1.0F / 6, 0.5F); }},
    {"Mish", [](const Expression &x, float,
                float) { return x * call("tanh", softplus(x)); }},
    {"Swish",
     [](const Expression &x, float alpha, float) {
       return x * call("sigmoid", x * Expression::real(alpha));
     },
     "alpha", 1},
    {"QuickGelu",
     [](const Expression &x, float alpha, float) {
       return x * call("sigmoid", x * Expression::real(alpha));
     },
     "alpha", 1.702F},
};

/// A function of f32 costs about as much as so many operations.
static constexpr unsigned functionOperations = 8;

/// `of` the numbers that the first input stands for; integers become f32.
static void
defineFunction(Lowering &lowering, const Node &node,
               const std::function<Expression(const Expression &)> &of) {
  const Value x =
      lowering.shared(node, lowering.emitter.real(lowering.input(node, 0)));
  Value result =
      mapped(lowering, x, [isInteger = x.isInteger, of](const Expression &e) {
        return of(isInteger ? call("f32", e) : e);
      });
  result.operations += functionOperations;
  lowering.define(node, std::move(result));
}

static Outcome lowerFunction(Lowering &lowering, const Node &node) {
  const Function *function = functions;
  while (node.operation != function->operation) {
    ++function; // the rules have no other names
  }
  const float alpha = node.real("alpha", function->alpha);
  const float second = node.real(function->secondName(), function->second);
  if (!std::isfinite(alpha) || !std::isfinite(second)) {
    return Refusal{std::isfinite(alpha) ? function->secondName() : "alpha",
                   "it is not finite", ""};
  }
  defineFunction(lowering, node,
                 [of = function->of, alpha, second](const Expression &x) {
                   return of(x, alpha, second);
                 });
  return std::nullopt;
}

static Outcome lowerGelu(Lowering &lowering, const Node &node) {
  const std::string form = node.text("approximate", "none");
  if (form != "none" && form != "tanh") {
    return Refusal{"approximate", "'" + form + "' is not known", ""};
  }
  defineFunction(lowering, node, form == "tanh" ? geluByTanh : gelu);
  return std::nullopt;
}

/// Powers that are products, quotients or roots.
static Outcome lowerPow(Lowering &lowering, const Node &node) {
  const std::optional<Constant> given = lowering.constantInput(node, 1);
  if (!given || given->count() != 1) {
    return Refusal{"Y", "the exponent is not one known number", ""};
  }
  const double exponent = given->values[0];
  if (exponent == 0.5) {
    defineFunction(lowering, node,
                   [](const Expression &x) { return call("sqrt", x); });
  } else if (exponent == -0.5) {
    defineFunction(lowering, node,
                   [](const Expression &x) { return call("rsqrt", x); });
  } else if (exponent == -1) {
    defineFunction(lowering, node,
                   [](const Expression &x) { return real(1) / x; });
  } else if (exponent == 1 || exponent == 2 || exponent == 3) {
    defineFunction(lowering, node, [exponent](const Expression &x) {
      return exponent == 1 ? x : exponent == 2 ? x * x : x * x * x;
    });
  } else {
    return Refusal{"Y",
                   "exponents other than -1, -0.5, 0.5, 1, 2 and 3 are "
                   "not supported",
                   ""};
  }
  return std::nullopt;
}

static Outcome lowerAbs(Lowering &lowering, const Node &node) {
  const Value x = lowering.emitter.real(lowering.input(node, 0));
  Value result =
      mapped(lowering, x, [](const Expression &e) { return call("abs", e); });
  result.isInteger = x.isInteger;
  result.highest = std::max(std::abs(x.lowest), std::abs(x.highest));
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// -1, 0 and 1.
static Outcome lowerSign(Lowering &lowering, const Node &node) {
  const Value x =
      lowering.shared(node, lowering.emitter.real(lowering.input(node, 0)));
  Value result = mapped(lowering, x, [](const Expression &e) {
    return (e > Expression(0)) - (Expression(0) > e);
  });
  result.isInteger = true;
  result.lowest = -1;
  result.highest = 1;
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// x where it is positive, else slope times x.
static Outcome lowerPRelu(Lowering &lowering, const Node &node) {
  std::vector<Value> operands = realInputs(lowering, node);
  operands[0] = lowering.shared(node, operands[0]);
  std::optional<Value> result =
      lowering.emitter.elementwise(operands, [](Elements e) {
        return positive(e[0]) + negative(e[0]) * e[1];
      });
  if (!result) {
    return notBroadcast();
  }
  lowering.define(node, std::move(*result));
  return std::nullopt;
}

std::span<const Rule> activationRules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> all = {
        {"Gelu", lowerGelu, "approximate"},
        {"Pow", lowerPow, "", 2},
        {"Abs", lowerAbs, ""},
        {"Sign", lowerSign, ""},
        {"PRelu", lowerPRelu, "", 2},
    };
    for (const Function &function : functions) {
      all.push_back({function.operation, lowerFunction, function.attributes});
    }
    return all;
  }();
  return rules;
}

} // namespace lpgen::importer::onnx
