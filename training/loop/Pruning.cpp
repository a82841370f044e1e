// Which units go, and a new trainer with those that stay.
#include "training/loop/Pruning.h"
#include "training/contractions/FloatBackend.h"
#include "training/layers/BatchNorm.h"
#include "training/policies/PolicyOptions.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

namespace lpgen::train {

/// Batches do not grow beyond this part of an epoch.
static constexpr int64_t leastSteps = 16;

static constexpr PolicyOption options[] = {
    PolicyOption::number("keep", PruningSpec().keep, 0.01, 1),
    PolicyOption::number("until", PruningSpec().until, 0, 1),
    PolicyOption::choice("batch", "grow|stay")};

std::string pruningHelp() { return usageOf("dynhp", options); }

Result<std::optional<PruningSpec>> readPruning(const std::string &text) {
  const auto read = readOptional(text, "pruning", "dynhp", options);
  LPGEN_RETURN_IF_ERROR(read.status());
  if (!*read) {
    return std::optional<PruningSpec>();
  }
  const PolicyOptions &given = **read;
  return std::optional(PruningSpec{given.number("keep"), given.number("until"),
                                   given.choice("batch") == 0});
}

std::string widthsText(const std::map<std::string, int64_t> &widths) {
  std::string text;
  for (const auto &[layer, outputs] : widths) {
    text += (text.empty() ? "" : ",") + layer + "=" + std::to_string(outputs);
  }
  return text;
}

Result<std::map<std::string, int64_t>> readWidths(const std::string &text) {
  std::map<std::string, int64_t> widths;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const size_t equals = std::min(text.find('=', begin), end);
    int64_t outputs = 0;
    const char *const last = text.data() + end;
    const auto [rest, error] = std::from_chars(
        std::min(text.data() + equals + 1, last), last, outputs);
    if (error != std::errc() || rest != last || outputs < 1 ||
        equals == begin) {
      return Status::error("widths '" + text +
                           "' are no list of LAYER=OUTPUTS");
    }
    widths[text.substr(begin, equals - begin)] = outputs;
    begin = end + 1;
  }
  return widths;
}

/// The layers with weights, in order.
static Result<std::vector<nn::LayerSpec>> layersOf(const nn::ModelSpec &spec) {
  std::vector<nn::LayerSpec> layers;
  const Result<std::unique_ptr<nn::Layer>> model = nn::buildModel(
      spec,
      [&](const nn::LayerSpec &layer) {
        layers.push_back(layer);
        return Result<std::unique_ptr<nn::ContractionBackend>>(
            std::make_unique<nn::FloatBackend>(layer.geometry));
      },
      nn::RandomKey(0));
  LPGEN_RETURN_IF_ERROR(model.status());
  return layers;
}

Result<TrainingMemory> trainingMemory(const nn::ModelSpec &spec) {
  const Result<std::vector<nn::LayerSpec>> layers = layersOf(spec);
  LPGEN_RETURN_IF_ERROR(layers.status());
  constexpr auto bytes = int64_t(sizeof(float));
  TrainingMemory memory;
  for (const nn::LayerSpec &layer : *layers) {
    const ConvGeometry &g = layer.geometry;
    memory.weightBytes += 3 * bytes * g.outputs * g.reduction();
    memory.imageBytes += 2 * bytes * (g.inputSize() + g.outputSize());
  }
  return memory;
}

int64_t unitsAfter(const PruningSpec &spec, int64_t all, int64_t epoch,
                   int64_t epochs) {
  const double last = spec.until * double(epochs);
  const double part = last > 0 ? std::min(1.0, double(epoch) / last) : 1.0;
  const double units = double(all) * std::pow(spec.keep, part);
  constexpr int64_t multiple = 8;
  return std::min(all, int64_t(std::ceil(units / multiple)) * multiple);
}

int64_t batchThatFills(const TrainingMemory &memory, int64_t bytes,
                       int64_t least, int64_t most) {
  const int64_t images = (bytes - memory.weightBytes) / memory.imageBytes;
  return std::max(least, std::min(images, most) / 8 * 8);
}

namespace {

/// What stays of a layer: its units, and of the layer before.
struct Kept {
  std::vector<int64_t> outputs;
  std::vector<int64_t> inputs; ///< Channels of the input; all of the first.
  int64_t allOutputs = 0;
  int64_t allInputs = 0; ///< Channels of the layer before.
};

using Pieces = std::map<std::string, std::vector<float>>;

/// Copies all of a network out.
class Collector : public nn::StateVisitor {
public:
  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    std::vector<float> &values = pieces[name];
    values.resize(bytes.size() / sizeof(float));
    if (!bytes.empty()) {
      std::memcpy(values.data(), bytes.data(), bytes.size());
    }
  }
  Pieces pieces;
};

/// Fills a smaller network from the pieces.
class Filler : public nn::StateVisitor {
public:
  Filler(const Pieces &pieces, const std::map<std::string, Kept> &kept,
         const std::map<std::string, std::string> &owners)
      : pieces(pieces), kept(kept), owners(owners) {}

  void visitBytes(const std::string &name,
                  std::span<std::byte> bytes) override {
    const std::vector<float> &all = pieces.at(name);
    const auto owner = owners.find(name.substr(0, name.rfind('.')));
    const std::vector<float> left =
        owner == owners.end() ? all : cut(all, kept.at(owner->second));
    if (left.size() * sizeof(float) == bytes.size() && !bytes.empty()) {
      std::memcpy(bytes.data(), left.data(), bytes.size());
    }
  }

private:
  /// Weights [outputs, taps or pixels, channels], or one number a unit.
  static std::vector<float> cut(const std::vector<float> &all,
                                const Kept &kept) {
    const int64_t row = int64_t(all.size()) / kept.allOutputs;
    std::vector<float> left;
    for (const int64_t unit : kept.outputs) {
      for (int64_t begin = 0; begin < row;
           begin += row == 1 ? 1 : kept.allInputs) {
        if (row == 1) {
          left.push_back(all[size_t(unit)]);
          continue;
        }
        for (const int64_t channel : kept.inputs) {
          left.push_back(all[size_t(unit * row + begin + channel)]);
        }
      }
    }
    return left;
  }

  const Pieces &pieces;
  const std::map<std::string, Kept> &kept;
  const std::map<std::string, std::string> &owners;
};

} // namespace

/// Of each unit the norm of its weights, or the gain of batch norm, times that
/// of what the next layer makes of it.
static std::vector<double> strengths(const std::vector<float> &weights,
                                     const std::vector<float> *gains,
                                     const std::vector<float> &next,
                                     int64_t units) {
  std::vector<double> in(static_cast<size_t>(units));
  std::vector<double> out(static_cast<size_t>(units));
  const int64_t row = int64_t(weights.size()) / units;
  for (int64_t i = 0; i < int64_t(weights.size()); ++i) {
    in[size_t(i / row)] += double(weights[size_t(i)]) * weights[size_t(i)];
  }
  for (int64_t i = 0; i < int64_t(next.size()); ++i) {
    out[size_t(i % units)] += double(next[size_t(i)]) * next[size_t(i)];
  }
  for (size_t unit = 0; unit < in.size(); ++unit) {
    const double own =
        gains ? double((*gains)[unit]) * (*gains)[unit] : in[unit];
    in[unit] = std::sqrt(own * out[unit]);
  }
  return in;
}

/// The strongest `count`, in order.
static std::vector<int64_t> strongest(const std::vector<double> &strength,
                                      int64_t count) {
  std::vector<int64_t> units(strength.size());
  std::iota(units.begin(), units.end(), 0);
  std::ranges::sort(units, [&](int64_t a, int64_t b) {
    return std::pair(-strength[size_t(a)], a) <
           std::pair(-strength[size_t(b)], b);
  });
  units.resize(size_t(count));
  std::ranges::sort(units);
  return units;
}

/// Which layer with weights a layer works for: itself, or batch norm the one
/// before.
static std::map<std::string, std::string> ownersOf(nn::Layer &network) {
  std::map<std::string, std::string> owners;
  std::string last;
  network.visitLayers([&](nn::Layer &layer) {
    if (layer.backend()) {
      last = layer.name();
    }
    if (layer.backend() || dynamic_cast<nn::BatchNorm *>(&layer)) {
      owners[layer.name()] = last;
    }
  });
  return owners;
}

/// The layers with what stays of them, at the widths that are wanted.
static std::map<std::string, Kept>
choose(const std::vector<nn::LayerSpec> &layers, const Pieces &pieces,
       const std::map<std::string, std::string> &owners,
       const std::map<std::string, int64_t> &widths) {
  std::map<std::string, Kept> kept;
  std::vector<int64_t> inputs(size_t(layers.front().geometry.channels));
  std::iota(inputs.begin(), inputs.end(), 0);
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string &name = layers[i].name;
    Kept &layer = kept[name];
    layer.allInputs =
        i == 0 ? int64_t(inputs.size()) : layers[i - 1].geometry.outputs;
    layer.allOutputs = layers[i].geometry.outputs;
    layer.inputs = inputs;
    const std::vector<float> *gains = nullptr;
    for (const auto &[norm, owner] : owners) {
      if (owner == name && norm != name) {
        gains = &pieces.at(norm + ".gamma");
      }
    }
    layer.outputs.resize(size_t(layer.allOutputs));
    std::iota(layer.outputs.begin(), layer.outputs.end(), 0);
    if (const auto wanted = widths.find(name); wanted != widths.end()) {
      layer.outputs =
          strongest(strengths(pieces.at(name + ".weight"), gains,
                              pieces.at(layers[i + 1].name + ".weight"),
                              layer.allOutputs),
                    wanted->second);
    }
    inputs = layer.outputs;
  }
  return kept;
}

Result<std::unique_ptr<Trainer>> prune(Trainer &trainer, ThreadPool *pool,
                                       KernelProvider *kernels) {
  Config config = trainer.config();
  const Result<std::optional<PruningSpec>> spec = readPruning(config.pruning);
  LPGEN_RETURN_IF_ERROR(spec.status());
  if (!spec->has_value() || trainer.isDone()) {
    return std::unique_ptr<Trainer>();
  }
  nn::ModelSpec model = trainer.modelSpec();
  const Result<std::vector<nn::LayerSpec>> layers = layersOf(model);
  LPGEN_RETURN_IF_ERROR(layers.status());
  model.widths.clear();
  const Result<std::vector<nn::LayerSpec>> first = layersOf(model);
  LPGEN_RETURN_IF_ERROR(first.status());
  if (config.memoryBytes == 0) {
    const Result<TrainingMemory> memory = trainingMemory(model);
    LPGEN_RETURN_IF_ERROR(memory.status());
    config.memoryBytes = memory->bytes(config.imagesPerStep());
  }
  for (size_t i = 0; i + 1 < first->size(); ++i) {
    const int64_t all = (*first)[i].geometry.outputs;
    model.widths[(*first)[i].name] =
        unitsAfter(**spec, all, trainer.epoch(), config.epochs);
  }
  config.widths = widthsText(model.widths);
  if ((*spec)->growsBatch) {
    const Result<TrainingMemory> memory = trainingMemory(model);
    LPGEN_RETURN_IF_ERROR(memory.status());
    config.grownBatch = batchThatFills(
        *memory, config.memoryBytes, config.imagesPerStep(),
        std::min<int64_t>(trainer.dataset().train.count / leastSteps, 65536));
  }
  if (config == trainer.config()) {
    return std::unique_ptr<Trainer>();
  }
  const int64_t perEpoch =
      trainer.dataset().train.count / config.imagesPerStep();
  config.stepsBefore = trainer.updates() - trainer.epoch() * perEpoch;
  Result<std::unique_ptr<Trainer>> next =
      Trainer::create(config, trainer.dataset(), pool, kernels);
  LPGEN_RETURN_IF_ERROR(next.status());
  Collector all;
  trainer.visitNetwork(all);
  const auto owners = ownersOf(trainer.network());
  const auto kept = choose(*layers, all.pieces, owners, model.widths);
  Filler filler(all.pieces, kept, owners);
  (*next)->visitNetwork(filler);
  (*next)->continueAt(trainer.epoch(), trainer.work());
  (*next)->showWeightsToPolicy();
  return next;
}

} // namespace lpgen::train
