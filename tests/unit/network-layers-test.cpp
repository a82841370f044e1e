// Tests of the layers of an operator, and of parts of operators as operators.
#include "operators/network/Layers.h"
#include "operators/network/SubOperator.h"
#include "operators/reference/Interpreter.h"
#include "operators/reference/RandomInputs.h"
#include "tests/unit/FrontendTesting.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpgen {
namespace {

using testing::ElementsAre;

const char *const nested = R"(
op fc(x: u4[8, 8], w: s4[8, 8]) -> (y: u4[8, 8]) {
  acc[i,j] = sum(k) x[i,k] * w[j,k]
  y[i,j] = acc[i,j] >> 4
}
op block(x: u4[8, 8], w: s4[8, 8]) -> (y: u4[8, 8]) {
  t: u4 = fc(x, w)
  u: u4 = fc(t, w)
  s[i,j] = u[i,j] + x[i,j]
  y[i,j] = round(15.0 * tanh(s[i,j] * 0.02))
}
op net(x: u4[8, 8], w: s4[8, 8]) -> (y: u4[8, 8], z: i32[8]) {
  a: u4 = fc(x, w)
  b: u4 = block(a, w)
  y = fc(b, w)
  z[i] = sum(k) y[i,k]
}
)";

/// "NAME: ASSIGNED ... -> RESULT ..."
std::vector<std::string> describe(const ast::Op &op) {
  std::vector<std::string> texts;
  for (const Layer &layer : layersOf(op)) {
    std::string text = layer.name + ":";
    for (const unsigned statement : layer.statements) {
      text += " " + op.tensors[op.statements[statement].tensor].name;
    }
    text += " ->";
    for (const unsigned result : layer.results) {
      text += " " + op.tensors[result].name;
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(Layers, AreCallsThatCallNothingAndWhatStandsBetween) {
  const Parsed parsed = parseClean(nested);
  EXPECT_THAT(describe(parsed.op(2)),
              ElementsAre("a: a.acc a -> a", "b.t: b.t.acc b.t -> b.t",
                          "b.u: b.u.acc b.u -> b.u", "b: b.s b -> b",
                          "y: y.acc y -> y", "z: z -> z"));
  EXPECT_TRUE(hasLayers(parsed.op(2)));
  EXPECT_FALSE(hasLayers(parsed.op(0)));
}

TEST(Layers, OfACallHaveAllItsResults) {
  const Parsed parsed = parseClean(R"(
op split(x: f32[8, 8]) -> (q: s8[8, 8], d: f32[8]) {
  greatest[i] = max(k) abs(x[i,k])
  d[i] = greatest[i] / 127.0
  q[i,j] = round(x[i,j] / greatest[i])
}
op product(x: f32[8, 8], w: s4[8, 8]) -> (y: f32[8, 8]) {
  (q, d) = split(x)
  y[i,j] = sum(k) q[i,k] * w[j,k] * d[k]
}
)");
  EXPECT_THAT(describe(parsed.op(1)),
              ElementsAre("d: q.greatest d q -> d q", "y: y -> y"));
}

TEST(Layers, OfStatementsEndWhereAnotherReduces) {
  const Parsed parsed = parseClean(R"(
op chain(x: u4[8, 8], v: s4[8, 8], w: s4[8, 8]) -> (y: i32[8, 8]) {
  p[i,j] = sum(k) x[i,k] * v[j,k]
  a[i,j]: u4 = p[i,j] >> 4
  q[i,j] = sum(k) a[i,k] * w[j,k]
  y[i,j] = q[i,j] + a[i,j]
}
)");
  EXPECT_THAT(describe(parsed.op()), ElementsAre("a: p a -> a", "y: q y -> y"));
  EXPECT_TRUE(hasLayers(parsed.op()));
}

TEST(Layers, WithoutAPhaseAreComputedWhereTheyAreRead) {
  const Parsed parsed = parseClean(nested);
  const ast::Op &op = parsed.op(2);
  const std::vector<size_t> computed =
      computedIn(op, layersOf(op), [](const std::string &tensor) {
        return tensor == "a" || tensor == "b" || tensor == "z";
      });
  EXPECT_THAT(computed, ElementsAre(0, 3, 3, 3, 5, 5));
}

TEST(SubOperator, ComputesWhatTheWholeComputes) {
  const Parsed parsed = parseClean(nested);
  const ast::Op &op = parsed.op(2);
  const std::vector<Layer> layers = layersOf(op);
  Result<std::vector<HostTensor>> whole =
      makeInputs(op, {}, InputKind::Random, 1);
  ASSERT_TRUE(whole.ok());
  ASSERT_TRUE(Interpreter(op, {}).run(*whole).ok());
  for (const Layer &layer : layers) {
    const SubOperator part =
        makeSubOperator(op, layer.statements, layer.results);
    std::vector<HostTensor> tensors;
    tensors.reserve(part.op.tensors.size());
    for (unsigned i = 0; i < part.op.numInputs(); ++i) {
      tensors.push_back((*whole)[part.origins[i]]);
    }
    const Status status = Interpreter(part.op, {}).run(tensors);
    ASSERT_TRUE(status.ok()) << layer.name << ": " << status.message();
    for (size_t i = 0; i < part.origins.size(); ++i) {
      const HostTensor &expected = (*whole)[part.origins[i]];
      for (int64_t at = 0; at < expected.numElements(); ++at) {
        ASSERT_EQ(tensors[i].getInt(at), expected.getInt(at)) << layer.name;
      }
    }
  }
}

TEST(SubOperator, NamesItsBuffersAsCDoes) {
  const Parsed parsed = parseClean(nested);
  const ast::Op &op = parsed.op(2);
  const Layer layer = layersOf(op)[2];
  const SubOperator part = makeSubOperator(op, layer.statements, layer.results);
  std::vector<std::string> names;
  names.reserve(part.op.tensors.size());
  for (const ast::Tensor &tensor : part.op.tensors) {
    names.push_back(tensor.name);
  }
  EXPECT_THAT(names, ElementsAre("w", "b_t", "b_u", "b.u.acc"));
  // What the whole proves of an intermediate is what the input promises.
  EXPECT_TRUE(part.op.tensors[1].hasDeclaredRange);
}

} // namespace
} // namespace lpgen
