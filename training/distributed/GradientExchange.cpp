// One message for each worker and step: loss, then all gradients.
#include "training/distributed/GradientExchange.h"
#include <algorithm>
#include <cstring>

namespace lpgen::train {

Result<std::unique_ptr<GradientExchange>>
GradientExchange::create(const std::string &codec, ProcessGroup &workers,
                         const std::vector<nn::Parameter *> &parameters) {
  Result<std::unique_ptr<GradientCodec>> made =
      makeGradientCodec(codec, parameters);
  LPGEN_RETURN_IF_ERROR(made.status());
  return std::unique_ptr<GradientExchange>(
      new GradientExchange(workers, parameters, std::move(*made)));
}

Status GradientExchange::average(nn::LossValue &loss) {
  bytes.resize(sizeof(loss));
  std::memcpy(bytes.data(), &loss, sizeof(loss));
  for (size_t i = 0; i < parameters.size(); ++i) {
    const size_t before = bytes.size();
    codec->pack(i, parameters[i]->gradient, bytes);
    bytesOf[i].sent += int64_t(bytes.size() - before);
    bytesOf[i].dense += parameters[i]->gradient.size() * int64_t(sizeof(float));
  }
  const Result<std::vector<std::vector<std::byte>>> all =
      workers.exchange(bytes);
  LPGEN_RETURN_IF_ERROR(all.status());
  loss = {};
  for (nn::Parameter *parameter : parameters) {
    std::ranges::fill(parameter->gradient.values(), 0.0F);
  }
  for (const std::vector<std::byte> &message : *all) {
    nn::LossValue part;
    if (message.size() < sizeof(part)) {
      return Status::error("a worker sent no loss");
    }
    std::memcpy(&part, message.data(), sizeof(part));
    loss.sum += part.sum;
    loss.correct += part.correct;
    loss.images += part.images;
    auto rest = std::span<const std::byte>(message).subspan(sizeof(part));
    for (size_t i = 0; i < parameters.size(); ++i) {
      LPGEN_RETURN_IF_ERROR(
          codec->addUnpacked(i, rest, parameters[i]->gradient));
    }
  }
  for (nn::Parameter *parameter : parameters) {
    for (float &gradient : parameter->gradient.values()) {
      gradient /= float(workers.count());
    }
  }
  return Status::success();
}

void GradientExchange::visitState(nn::StateVisitor &visitor) {
  codec->visitState(visitor);
  for (size_t i = 0; i < parameters.size(); ++i) {
    visitor.visit(parameters[i]->name + ".sentBytes", bytesOf[i].sent);
    visitor.visit(parameters[i]->name + ".denseBytes", bytesOf[i].dense);
  }
}

GradientExchange::Traffic GradientExchange::traffic() const {
  Traffic all;
  for (const Traffic &one : bytesOf) {
    all.sent += one.sent;
    all.dense += one.dense;
  }
  return all;
}

void GradientExchange::visitTraffic(
    const std::function<void(const nn::Parameter &, const Traffic &)> &visit)
    const {
  for (size_t i = 0; i < parameters.size(); ++i) {
    visit(*parameters[i], bytesOf[i]);
  }
}

} // namespace lpgen::train
