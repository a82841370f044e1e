// Walks the layers in the order of forward.
#include "training/posttraining/CalibratedNetwork.h"
#include "training/layers/BatchNorm.h"
#include "training/layers/Containers.h"
#include "training/layers/ContractionLayer.h"
#include "training/layers/SimpleLayers.h"
#include <algorithm>
#include <set>

namespace lpgen::posttraining {

static Status cannotQuantize(const std::string &reason) {
  return Status::error(reason +
                       "; remedy: lpgen train --policy float32, and quantize "
                       "that run");
}

Result<std::unique_ptr<CalibratedNetwork>>
CalibratedNetwork::open(train::StoredRunOptions options,
                        int64_t calibrationImages,
                        const std::optional<train::ForeignNetwork> &other) {
  std::unique_ptr<CalibratedNetwork> network(new CalibratedNetwork());
  CalibratedPolicy *policy = nullptr;
  options.makePolicy =
      [&](const train::Config &config,
          KernelProvider &kernels) -> Result<std::unique_ptr<train::Policy>> {
    if (config.policy != "float32") {
      return cannotQuantize("the run '" + options.folder +
                            "' was trained under '" + config.policy +
                            "', not float32");
    }
    auto made = std::make_unique<CalibratedPolicy>(kernels);
    policy = made.get();
    return std::unique_ptr<train::Policy>(std::move(made));
  };
  Result<std::unique_ptr<train::StoredRun>> run =
      other ? train::StoredRun::of(*other, options)
            : train::StoredRun::open(options);
  LPGEN_RETURN_IF_ERROR(run.status());
  network->stored = std::move(*run);
  LPGEN_RETURN_IF_ERROR(network->findLayers());
  const data::Dataset &data = network->stored->data();
  if (calibrationImages > data.train.count) {
    return Status::error("the data has " + std::to_string(data.train.count) +
                         " training images, fewer than the " +
                         std::to_string(calibrationImages) +
                         " to calibrate with; remedy: a smaller --images");
  }
  data::TrainBatches batches(
      data, calibrationImages, data::Augmentation::None,
      nn::RandomKey(network->stored->trainer().config().seed)
          .of("calibration"));
  batches.read(0, 0, &network->stored->threads(), network->calibration);
  return network;
}

/// Only factors pass through it.
static bool isHomogenous(const nn::Layer &layer) {
  return dynamic_cast<const nn::Relu *>(&layer) ||
         dynamic_cast<const nn::Pool *>(&layer) ||
         dynamic_cast<const nn::Flatten *>(&layer) ||
         dynamic_cast<const nn::BatchNorm *>(&layer);
}

/// The weights of a filter times its gain.
static void scaleFilters(nn::FloatTensor &weight,
                         const std::vector<float> &gains) {
  for (int64_t i = 0; i < weight.size(); ++i) {
    weight[i] *= gains[size_t(i / weight.sliceSize())];
  }
}

/// The last layer with weights of a branch pair; null if there is none. What
/// follows the pair takes more than its outputs.
static const nn::Layer *lastProductOf(nn::Residual &pair) {
  const nn::Layer *last = nullptr;
  pair.visitLayers([&](nn::Layer &layer) {
    last = dynamic_cast<nn::ContractionLayer *>(&layer) ? &layer : last;
  });
  return last;
}

Status CalibratedNetwork::findLayers() {
  int before = -1; // What the next layer with weights takes, if it is alone.
  std::set<const nn::Layer *> ends;
  stored->trainer().network().visitLayers([&](nn::Layer &layer) {
    if (auto *pair = dynamic_cast<nn::Residual *>(&layer)) {
      ends.insert(lastProductOf(*pair));
    }
    if (auto *norm = dynamic_cast<nn::BatchNorm *>(&layer);
        norm && !found.empty()) {
      CalibratedLayer &last = found.back();
      const std::vector<float> gains = norm->takeGains();
      scaleFilters(last.weight->value, gains);
      if (last.offset) {
        scaleFilters(last.offset->value, gains);
      }
      norm->visitParameters([&](nn::Parameter &parameter) {
        last.offset = &parameter; // gamma, then beta
      });
    } else if (auto *product = dynamic_cast<nn::ContractionLayer *>(&layer)) {
      CalibratedLayer made;
      // The policy made it.
      made.backend = static_cast<CalibratedBackend *>(
          const_cast<nn::ContractionBackend *>(product->backend()));
      made.before = before;
      product->visitParameters([&](nn::Parameter &parameter) {
        (made.weight ? made.offset : made.weight) = &parameter;
      });
      before = ends.contains(&layer) ? -1 : int(found.size());
      found.push_back(made);
    } else if (!isHomogenous(layer)) {
      before = -1; // Branches begin and end.
    }
  });
  const bool isWhole =
      std::ranges::all_of(found, [](const CalibratedLayer &layer) {
        return layer.offset && layer.geometry().groups == 1;
      });
  return isWhole && !found.empty()
             ? Status::success()
             : Status::error("a layer of the model has groups, or neither a "
                             "bias nor batch norm");
}

void CalibratedNetwork::use(Arithmetic arithmetic) {
  for (const CalibratedLayer &layer : found) {
    layer.backend->use(arithmetic);
  }
}

Status CalibratedNetwork::runCalibration(nn::FloatTensor &scores) {
  return stored->trainer().network().forward(calibration.images, scores,
                                             context());
}

} // namespace lpgen::posttraining
