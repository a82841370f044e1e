// The places of the greatest or least elements along a dimension, and the
// elements there.
#include "networks/import/onnx/Movement.h"
#include "networks/import/onnx/Reductions.h"
#include "networks/import/onnx/Weights.h"

namespace lpgen::importer::onnx {

using builder::Expression;

namespace {
/// Elements along a dimension, from which some are chosen.
struct Choice {
  Value x; ///< A tensor with one index along the dimension.
  size_t dim = 0;
  int64_t extent = 0;
  bool isGreatest = true;
};
} // namespace

static Outcome readChoice(Lowering &lowering, const Node &node, int64_t axis,
                          bool isGreatest, Choice &choice) {
  Value x = lowering.input(node, 0);
  const std::optional<size_t> dim = dimOf(axis, x.rank());
  if (!dim || x.extent(*dim) == batchExtent) {
    return Refusal{"axis", "it is out of range, or that of the images", ""};
  }
  const int64_t extent = x.extent(*dim);
  constexpr int64_t most = 1 << 24;
  if (extent < 2 || extent > most) {
    return Refusal{"axis", "it has not 2 to 2^24 elements to choose from", ""};
  }
  if (x.quantization && !(hasOrderedCodes(x) && isUniformGrid(x))) {
    x = lowering.emitter.real(x);
  }
  Emitter &emitter = lowering.emitter;
  x = emitter.stored(emitter.flat(x, node.inputs[0]), node.inputs[0]);
  choice = {std::move(x), *dim, extent, isGreatest};
  return std::nullopt;
}

/// The reads of a value with one more subscript, along the dimension.
static Expression at(const Value &x, size_t dim, Subscripts subscripts,
                     const Subscript &along) {
  subscripts.insert(subscripts.begin() + int64_t(x.firstFactor(dim)), along);
  return x.read(subscripts);
}

static void makeNumbers(Value &value, int64_t highest) {
  value.quantization.reset();
  value.tensor.clear();
  value.beforeRelu = nullptr;
  value.isInteger = true;
  value.isOdd = false;
  value.lowest = 0;
  value.highest = highest;
}

/// The place of the first of the best elements, or of the last one.
static Value bestPlace(const Choice &choice, bool isLast) {
  Value result = choice.x;
  result.dims[choice.dim].clear();
  makeNumbers(result, choice.extent - 1);
  result.read = [=](const Subscripts &subscripts) {
    const std::string reduction = choice.isGreatest ? "argmax" : "argmin";
    const Subscript place = Subscript::index("r");
    if (!isLast) {
      return Expression::reduction(reduction, {"r"},
                                   at(choice.x, choice.dim, subscripts, place));
    }
    const Subscript backward = place * -1 + Subscript(choice.extent - 1);
    return Expression(choice.extent - 1) -
           Expression::reduction(
               reduction, {"r:" + std::to_string(choice.extent)},
               at(choice.x, choice.dim, subscripts, backward));
  };
  return result;
}

static Outcome lowerArgBest(Lowering &lowering, const Node &node) {
  Choice choice;
  if (Outcome refusal = readChoice(lowering, node, node.integer("axis", 0),
                                   node.operation == "ArgMax", choice)) {
    return refusal;
  }
  Value result = lowering.emitter.assign(
      bestPlace(choice, node.integer("select_last_index", 0) != 0), node.name);
  if (node.integer("keepdims", 1) == 0) {
    result = dropped(result, {choice.dim});
  }
  lowering.define(node, std::move(result));
  return std::nullopt;
}

/// How many elements are better than each one, of equal ones those before it.
static Value ranks(const Choice &choice) {
  Value result = choice.x;
  makeNumbers(result, choice.extent - 1);
  const size_t place = choice.x.firstFactor(choice.dim);
  result.read = [=](const Subscripts &subscripts) {
    Subscripts other = subscripts;
    other[place] = Subscript::index("r");
    const Expression own = choice.x.read(subscripts);
    const Expression element = choice.x.read(other);
    const Expression &greater = choice.isGreatest ? element : own;
    const Expression &less = choice.isGreatest ? own : element;
    return Expression::reduction(
        "sum", {"r"},
        Expression::call("select",
                         {Expression::scalar(subscripts[place].text()) >
                              Expression::scalar("r"),
                          greater >= less, greater > less}));
  };
  return result;
}

/// `of` the element of each of the first ranks.
static Value byRank(const Choice &choice, const Value &rank, int64_t count,
                    const std::function<Expression(const Expression &)> &of) {
  Value result = choice.x;
  result.dims[choice.dim] = {count};
  result.tensor.clear();
  result.beforeRelu = nullptr;
  const size_t place = choice.x.firstFactor(choice.dim);
  result.read = [=](const Subscripts &subscripts) {
    Subscripts other = subscripts;
    other[place] = Subscript::index("r");
    const Expression wanted = Expression::scalar(subscripts[place].text());
    const Expression own = rank.read(other);
    return Expression::reduction(
        "sum", {"r"},
        Expression::call("select", {(own >= wanted) * (wanted >= own),
                                    of(choice.x.read(other)), 0}));
  };
  return result;
}

/// The elements and their places for the first ranks.
static void defineBest(Lowering &lowering, const Node &node,
                       const Choice &choice, int64_t count) {
  Emitter &emitter = lowering.emitter;
  if (count == 1) {
    if (lowering.isRead(node, 0)) {
      const char *reduction = choice.isGreatest ? "max" : "min";
      lowering.define(node,
                      emitter.assign(reduced(choice.x, {choice.dim}, reduction),
                                     node.name + "_values"),
                      0);
    }
    if (lowering.isRead(node, 1)) {
      lowering.define(
          node, emitter.assign(bestPlace(choice, false), node.name + "_places"),
          1);
    }
    return;
  }
  const Value rank = emitter.assign(ranks(choice), node.name + "_ranks");
  if (lowering.isRead(node, 0)) {
    const Value values =
        byRank(choice, rank, count, [](const Expression &e) { return e; });
    lowering.define(
        node, emitter.store(values, node.name + "_values", values.order), 0);
  }
  if (lowering.isRead(node, 1)) {
    Value places = byRank(choice, rank, count, [](const Expression &) {
      return Expression::scalar("r");
    });
    makeNumbers(places, choice.extent - 1);
    lowering.define(
        node, emitter.store(places, node.name + "_places", places.order), 1);
  }
}

static Outcome lowerTopK(Lowering &lowering, const Node &node) {
  const std::optional<Constant> given = lowering.constantInput(node, 1);
  if (node.hasInput(1) && (!given || given->count() != 1)) {
    return Refusal{"K", "it is not known", ""};
  }
  const int64_t count =
      given ? toInteger(given->values[0]) : node.integer("k", 0);
  Choice choice;
  if (Outcome refusal = readChoice(lowering, node, node.integer("axis", -1),
                                   node.integer("largest", 1) != 0, choice)) {
    return refusal;
  }
  if (count < 1 || count > choice.extent) {
    return Refusal{"K", "it is not from 1 to the number of elements", ""};
  }
  defineBest(lowering, node, choice, count);
  return std::nullopt;
}

std::span<const Rule> selectionRules() {
  static constexpr Rule rules[] = {
      {"ArgMax", lowerArgBest, "axis keepdims select_last_index"},
      {"ArgMin", lowerArgBest, "axis keepdims select_last_index"},
      {"TopK", lowerTopK, "axis k largest sorted"},
  };
  return rules;
}

} // namespace lpgen::importer::onnx
