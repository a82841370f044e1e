// One function for each network.
#include "training/models/Models.h"
#include "base/system/NearestName.h"
#include "training/models/ModelBuilder.h"
#include <algorithm>
#include <array>

namespace lpgen::nn {

/// Multinomial logistic regression. Dark pixels at the border are its constant.
static void buildLogistic(ModelBuilder &model, int64_t classes) {
  model.flatten("flatten");
  model.linear("fc", classes, LayerPlace::Last, Bias::No);
}

/// 784-256-128-10 for Fashion-MNIST.
static void buildMlp(ModelBuilder &model, int64_t classes) {
  model.flatten("flatten");
  model.linear("fc1", 256);
  model.relu("relu1");
  model.linear("fc2", 128);
  model.relu("relu2");
  model.linear("fc3", classes, LayerPlace::Last);
}

/// LeCun et al. 1998, with relu and max pooling.
static void buildLenet(ModelBuilder &model, int64_t classes) {
  model.conv("conv1", 6, 5, 1, Bias::Yes);
  model.relu("relu1");
  model.maxPool("pool1");
  model.conv("conv2", 16, 5, 1, Bias::Yes);
  model.relu("relu2");
  model.maxPool("pool2");
  model.flatten("flatten");
  model.linear("fc1", 120);
  model.relu("relu3");
  model.linear("fc2", 84);
  model.relu("relu4");
  model.linear("fc3", classes, LayerPlace::Last);
}

static void buildCnn(ModelBuilder &model, int64_t classes) {
  model.pooledUnit("1", 32, "pool1");
  model.pooledUnit("2", 64, "pool2");
  model.pooledUnit("3", 128, "pool3");
  model.flatten("flatten");
  model.linear("fc", classes, LayerPlace::Last);
}

/// 2x128, 2x256, 2x512 filters, as in the papers on binary networks.
static void buildVggSmall(ModelBuilder &model, int64_t classes) {
  const std::array<int64_t, 3> filters = {128, 256, 512};
  int number = 1;
  for (size_t stage = 0; stage < filters.size(); ++stage) {
    model.unit(std::to_string(number++), filters[stage]);
    model.pooledUnit(std::to_string(number++), filters[stage],
                     "pool" + std::to_string(stage + 1));
  }
  model.flatten("flatten");
  model.linear("fc", classes, LayerPlace::Last);
}

/// The networks for CIFAR of He et al. 2016: 6 blocks + 2 layers.
static void buildResnet(ModelBuilder &model, int64_t classes, int blocks) {
  model.unit("1", 16);
  for (int stage = 0; stage < 3; ++stage) {
    for (int block = 0; block < blocks; ++block) {
      model.residual("stage" + std::to_string(stage + 1) + ".block" +
                         std::to_string(block + 1),
                     int64_t{16} << stage, stage > 0 && block == 0 ? 2 : 1);
    }
  }
  model.globalAveragePool("pool");
  model.flatten("flatten");
  model.linear("fc", classes, LayerPlace::Last);
}

namespace {
struct KnownModel {
  const char *name;
  void (*build)(ModelBuilder &model, int64_t classes);
};
} // namespace

static constexpr std::array<KnownModel, 7> models = {{
    {"logistic", buildLogistic},
    {"mlp", buildMlp},
    {"lenet", buildLenet},
    {"cnn", buildCnn},
    {"vgg-small", buildVggSmall},
    {"resnet20", [](ModelBuilder &model,
                    int64_t classes) { buildResnet(model, classes, 3); }},
    {"resnet32", [](ModelBuilder &model,
                    int64_t classes) { buildResnet(model, classes, 5); }},
}};

std::vector<std::string> modelNames() {
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const KnownModel &model : models) {
    names.emplace_back(model.name);
  }
  return names;
}

Status checkModelName(const std::string &name) {
  const std::vector<std::string> known = modelNames();
  return std::ranges::find(known, name) != known.end()
             ? Status::success()
             : Status::error("unknown model " + quoteWithNearest(name, known));
}

Result<std::unique_ptr<Layer>> buildModel(const ModelSpec &spec,
                                          const MakeBackend &makeBackend,
                                          const RandomKey &random) {
  LPGEN_RETURN_IF_ERROR(checkModelName(spec.name));
  const auto *const model = std::ranges::find_if(
      models, [&](const KnownModel &known) { return spec.name == known.name; });
  ModelBuilder builder(spec, makeBackend, random);
  model->build(builder, spec.classes);
  return builder.finish();
}

} // namespace lpgen::nn
