// Expected values, complete or sampled, and their comparison with a kernel's.
#include "workbench/verify/Compare.h"
#include "base/types/Scalar.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

namespace lpgen {

namespace {
/// Draws points of a tensor.
class Sampler {
public:
  Sampler(llvm::ArrayRef<int64_t> shape, uint64_t seed)
      : shape(shape), seed(seed) {}

  void addCorners(int64_t atMost);
  /// One point of each side of each dimension.
  void addBorderPoints();
  void addAnyPoint() { add(drawPoint()); }
  size_t size() const { return positions.size(); }
  std::vector<int64_t> take() const {
    return {positions.begin(), positions.end()};
  }

private:
  std::vector<int64_t> drawPoint() {
    std::vector<int64_t> point;
    for (int64_t extent : shape) {
      point.push_back(int64_t(scalar::hash(seed, drawn++) % uint64_t(extent)));
    }
    return point;
  }
  void add(llvm::ArrayRef<int64_t> point) {
    int64_t position = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      position = position * shape[i] + point[i];
    }
    positions.insert(position);
  }

  llvm::ArrayRef<int64_t> shape;
  uint64_t seed;
  uint64_t drawn = 0;
  std::set<int64_t> positions;
};
} // namespace

void Sampler::addCorners(int64_t atMost) {
  const size_t rank = std::min<size_t>(shape.size(), 20);
  for (int64_t corner = 0; corner < std::min(int64_t{1} << rank, atMost);
       ++corner) {
    std::vector<int64_t> point(shape.size(), 0);
    for (size_t i = 0; i < rank; ++i) {
      point[i] = (corner >> i & 1) != 0 ? shape[i] - 1 : 0;
    }
    add(point);
  }
}

void Sampler::addBorderPoints() {
  for (size_t i = 0; i < shape.size(); ++i) {
    for (int64_t side : {int64_t{0}, shape[i] - 1}) {
      std::vector<int64_t> point = drawPoint();
      point[i] = side;
      add(point);
    }
  }
}

std::vector<int64_t> samplePositions(llvm::ArrayRef<int64_t> shape,
                                     int64_t count, uint64_t seed) {
  if (llvm::is_contained(shape, 0)) {
    return {};
  }
  Sampler sampler(shape, seed);
  sampler.addCorners(count);
  // Draws can meet; a bounded number of rounds gives about `count` points.
  for (int64_t round = 0; round < count && sampler.size() < size_t(count) / 2;
       ++round) {
    sampler.addBorderPoints();
  }
  for (int64_t round = 0; round < count && sampler.size() < size_t(count);
       ++round) {
    sampler.addAnyPoint();
  }
  return sampler.take();
}

/// Elements of the shape of a checked op, whose number is bounded.
static int64_t elementsOf(llvm::ArrayRef<int64_t> shape) {
  return countElements({shape.data(), shape.size()}).value_or(INT64_MAX);
}

/// How many elements of each output to sample: as many as fit the steps.
static int64_t chooseSampleCount(const ast::Op &op,
                                 const Interpreter &reference, int64_t steps,
                                 const Expectation::Limits &limits) {
  int64_t elements = 0;
  int64_t outputs = 0;
  for (size_t id = 0; id < op.tensors.size(); ++id) {
    if (op.tensors[id].role == ast::Role::Output) {
      elements += elementsOf(reference.shapeOf(unsigned(id)));
      ++outputs;
    }
  }
  const int64_t perElement =
      std::max<int64_t>(1, steps / std::max<int64_t>(1, elements));
  return std::clamp(limits.maxSteps / perElement /
                        std::max<int64_t>(1, outputs),
                    limits.minSamples, limits.maxSamples);
}

static std::vector<int64_t> indicesAt(int64_t position,
                                      llvm::ArrayRef<int64_t> shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    indices[i] = position % shape[i];
    position /= shape[i];
  }
  return indices;
}

static std::string subjectOf(const ast::Tensor &output) {
  return "output '" + output.name + "'";
}

Result<ExpectedElements> expectElements(const ast::Op &op, unsigned tensor,
                                        Interpreter &reference,
                                        std::vector<int64_t> positions) {
  const ElementType type = op.tensors[tensor].type;
  HostTensor values(type, {int64_t(positions.size())});
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const Result<ElementValue> value = reference.evaluateAt(
        tensor, indicesAt(positions[size_t(i)], reference.shapeOf(tensor)));
    LPGEN_RETURN_IF_ERROR(value.status());
    if (type.isFloat()) {
      values.setFloat(i, value->floatValue);
    } else {
      values.setInt(i, value->intValue);
    }
  }
  return ExpectedElements{subjectOf(op.tensors[tensor]), std::move(positions),
                          std::move(values)};
}

Result<Expectation> Expectation::compute(const ast::Op &op,
                                         llvm::ArrayRef<int64_t> sizes,
                                         std::vector<HostTensor> inputs,
                                         uint64_t seed, const Limits &limits) {
  Expectation result;
  Interpreter reference(op, sizes);
  const int64_t steps = interpreterSteps(op, sizes);
  result.sampled = steps > limits.maxSteps;
  LPGEN_RETURN_IF_ERROR(result.sampled ? reference.bindInputs(inputs)
                                       : reference.run(inputs));
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    if (op.tensors[id].role != ast::Role::Output) {
      continue;
    }
    if (!result.sampled) {
      result.outputs.push_back(
          {subjectOf(op.tensors[id]), std::nullopt, std::move(inputs[id])});
      continue;
    }
    Result<ExpectedElements> output = expectElements(
        op, id, reference,
        samplePositions(reference.shapeOf(id),
                        chooseSampleCount(op, reference, steps, limits), seed));
    LPGEN_RETURN_IF_ERROR(output.status());
    result.outputs.push_back(std::move(*output));
  }
  return result;
}

static bool isSame(const HostTensor &a, int64_t atA, const HostTensor &b,
                   int64_t atB) {
  if (!a.type().isFloat()) {
    return a.getInt(atA) == b.getInt(atB);
  }
  const float x = a.getFloat(atA);
  const float y = b.getFloat(atB);
  return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y) ||
         (std::isnan(x) && std::isnan(y));
}

static std::string valueText(const HostTensor &tensor, int64_t position) {
  if (!tensor.type().isFloat()) {
    return std::to_string(tensor.getInt(position));
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  const float value = tensor.getFloat(position);
  stream << llvm::format("%.9g (bits %08x)", double(value),
                         std::bit_cast<uint32_t>(value));
  return text;
}

int64_t ExpectedElements::compare(const HostTensor &found, size_t maxLines,
                                  std::vector<std::string> &differences) const {
  int64_t count = 0;
  size_t lines = 0;
  for (int64_t i = 0; i < values.numElements(); ++i) {
    const int64_t position = positions ? (*positions)[size_t(i)] : i;
    if (isSame(values, i, found, position)) {
      continue;
    }
    ++count;
    if (lines++ < maxLines) {
      differences.push_back(subject + " at " +
                            shapeToString(found.indicesAt(position)) +
                            ": expected " + valueText(values, i) + ", found " +
                            valueText(found, position));
    }
  }
  return count;
}

int64_t Expectation::numElements() const {
  int64_t count = 0;
  for (const ExpectedElements &output : outputs) {
    count += output.values.numElements();
  }
  return count;
}

} // namespace lpgen
