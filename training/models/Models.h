// The networks that can be trained, by name.
#ifndef LPGEN_TRAINING_MODELS_MODELS_H
#define LPGEN_TRAINING_MODELS_MODELS_H

#include "training/contractions/ContractionBackend.h"
#include "training/core/LayerSpec.h"
#include "training/layers/Layer.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lpgen::nn {

/// What a network is built for.
struct ModelSpec {
  std::string name; ///< One of modelNames().
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  int64_t classes = 0;
  Activation activation = Activation::Relu;
  /// Outputs of hidden layers that have not as many as the network has.
  std::map<std::string, int64_t> widths;
  bool hasInputGradient = false; ///< Of the images: for who moves them.
};

/// What makes a network of a spec, backends and random first weights; an error
/// if it cannot.
using BuildModel = std::function<Result<std::unique_ptr<Layer>>(
    const ModelSpec &spec, const MakeBackend &makeBackend,
    const RandomKey &random)>;

std::vector<std::string> modelNames();

/// An error for an unknown name.
Status checkModelName(const std::string &name);

/// Builds the network; the seed behind `random` determines the weights. An
/// error for an unknown name and for images too small for the network.
Result<std::unique_ptr<Layer>> buildModel(const ModelSpec &spec,
                                          const MakeBackend &makeBackend,
                                          const RandomKey &random);

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_MODELS_MODELS_H
