// The two codecs, over all parameters.
#include "training/distributed/GradientCodec.h"
#include "training/distributed/AdaComp.h"
#include <cstring>
#include <optional>

namespace lpgen::train {

static void packDense(const nn::FloatTensor &gradient,
                      std::vector<std::byte> &bytes) {
  const auto values = std::as_bytes(gradient.values());
  bytes.insert(bytes.end(), values.begin(), values.end());
}

static Status addDense(std::span<const std::byte> &bytes,
                       nn::FloatTensor &sum) {
  const size_t size = size_t(sum.size()) * sizeof(float);
  if (bytes.size() < size) {
    return Status::error("a gradient of " + std::to_string(bytes.size()) +
                         " bytes, expected " + std::to_string(size) +
                         "; the workers do not run the same network");
  }
  for (int64_t i = 0; i < sum.size(); ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + size_t(i) * sizeof(value),
                sizeof(value));
    sum[i] += value;
  }
  bytes = bytes.subspan(size);
  return Status::success();
}

namespace {

class DenseCodec : public GradientCodec {
public:
  void pack(size_t index, const nn::FloatTensor &gradient,
            std::vector<std::byte> &bytes) override {
    packDense(gradient, bytes);
  }
  Status addUnpacked(size_t index, std::span<const std::byte> &bytes,
                     nn::FloatTensor &sum) const override {
    return addDense(bytes, sum);
  }
};

/// Weights by AdaComp, bins of 50 for filters and of 500 for linear layers;
/// biases and batch norm, small and sensitive, as they are.
class AdaCompCodec : public GradientCodec {
public:
  explicit AdaCompCodec(const std::vector<nn::Parameter *> &parameters) {
    for (const nn::Parameter *parameter : parameters) {
      names.push_back(parameter->name);
      const std::vector<int64_t> &shape = parameter->value.shape();
      if (shape.size() != 4) {
        tensors.emplace_back();
        continue;
      }
      const bool isLinear = shape[1] * shape[2] == 1;
      tensors.emplace_back(
          AdaComp(parameter->value.size(), isLinear ? 500 : 50));
    }
  }
  void pack(size_t index, const nn::FloatTensor &gradient,
            std::vector<std::byte> &bytes) override {
    if (tensors[index]) {
      tensors[index]->pack(gradient.values(), bytes);
    } else {
      packDense(gradient, bytes);
    }
  }
  Status addUnpacked(size_t index, std::span<const std::byte> &bytes,
                     nn::FloatTensor &sum) const override {
    return tensors[index] ? tensors[index]->addUnpacked(bytes, sum.values())
                          : addDense(bytes, sum);
  }
  void visitState(nn::StateVisitor &visitor) override {
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i]) {
        visitor.visit(names[i] + ".residue", tensors[i]->residue());
      }
    }
  }

private:
  std::vector<std::string> names;
  std::vector<std::optional<AdaComp>> tensors; ///< None if sent as they are.
};

} // namespace

Result<std::unique_ptr<GradientCodec>>
makeGradientCodec(const std::string &name,
                  const std::vector<nn::Parameter *> &parameters) {
  if (name == "dense") {
    return std::unique_ptr<GradientCodec>(std::make_unique<DenseCodec>());
  }
  if (name == "adacomp") {
    return std::unique_ptr<GradientCodec>(
        std::make_unique<AdaCompCodec>(parameters));
  }
  return Status::error("unknown gradient codec '" + name +
                       "', expected dense or adacomp");
}

} // namespace lpgen::train
