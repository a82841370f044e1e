// What lpgen::training gives: a network and a policy, and what export needs.
#include "networks/NetworkBuilder.h"
#include "training/models/Models.h"
#include "training/policies/Policies.h"
#include <cstdio>

using namespace lpgen;

int main() {
  const auto policy = train::makePolicy("float32", {});
  if (!policy.ok()) {
    std::printf("error: %s\n", policy.message().c_str());
    return 1;
  }
  const auto model = nn::buildModel(
      {"mlp", 4, 4, 1, 3},
      [&](const nn::LayerSpec &layer) { return (*policy)->makeBackend(layer); },
      nn::RandomKey(1));
  if (!model.ok()) {
    std::printf("error: %s\n", model.message().c_str());
    return 1;
  }
  networks::NetworkBuilder builder({4, 4, 1, 3, std::vector<float>(256)}, 8);
  // It has the weights of an evaluation, which there was none of.
  return (*model)->describe(builder).ok() ? 1 : 0;
}
