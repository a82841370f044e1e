// Runs of a small network on a small data set, which tests of training make.
#ifndef LPGEN_TESTS_TRAINING_SMALLRUNS_H
#define LPGEN_TESTS_TRAINING_SMALLRUNS_H

#include "tests/TemporaryFolder.h"
#include "tests/training/TrainingTesting.h"
#include "training/loop/RunFolder.h"
#include "training/loop/Trainer.h"
#include "training/policies/Policies.h"
#include <memory>
#include <string>
#include <vector>

namespace lpgen::train {

/// Images of four classes: a bright quarter on noise.
inline data::Dataset quarters(int64_t images) {
  data::Dataset data;
  data.name = "quarters";
  data.height = data.width = 8;
  data.channels = 1;
  data.classes = 4;
  data.mean = {0.3F};
  data.deviation = {0.25F};
  const nn::RandomKey key(99);
  for (data::ImageSet *set : {&data.train, &data.test}) {
    set->count = images;
    const nn::RandomKey noise = key.of(set == &data.train ? "train" : "test");
    for (int64_t i = 0; i < images; ++i) {
      const auto label = uint8_t(noise.of("label").below(uint64_t(i), 4));
      set->labels.push_back(label);
      for (int64_t p = 0; p < 64; ++p) {
        const bool isBright =
            (p / 8 >= 4) == (label >= 2) && (p % 8 >= 4) == (label % 2 == 1);
        set->pixels.push_back(uint8_t(noise.below(uint64_t(i * 64 + p), 100) +
                                      (isBright ? 90 : 0)));
      }
    }
  }
  return data;
}

inline Config smallConfig(const std::string &policy) {
  Config config;
  config.model = "cnn";
  config.policy = policy;
  config.epochs = 3;
  config.batchSize = 16;
  config.learningRate = 0.01;
  return config;
}

inline KernelProvider &provider() {
  static KernelProvider kernels(lpgen::testing::testCompiler());
  return kernels;
}

inline std::unique_ptr<Trainer>
makeTrainer(const Config &config, const data::Dataset &data, ThreadPool *pool) {
  Result<std::unique_ptr<Trainer>> trainer =
      Trainer::create(config, data, pool, &provider());
  EXPECT_TRUE(trainer.ok()) << trainer.message();
  return std::move(*trainer);
}

inline void runSteps(Trainer &trainer, int64_t until) {
  while (trainer.step() < until) {
    const Status status = trainer.runStep();
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

/// A run that was saved after `step` steps, and goes on as another trainer.
inline std::unique_ptr<Trainer> resumedRun(const Config &config,
                                           const data::Dataset &data,
                                           ThreadPool *pool, int64_t step) {
  const std::unique_ptr<Trainer> half = makeTrainer(config, data, pool);
  runSteps(*half, step);
  const TemporaryFolder path;
  Result<RunFolder> folder = RunFolder::open(path.path());
  EXPECT_TRUE(folder.ok() && folder->save(*half).ok());
  std::unique_ptr<Trainer> rest = makeTrainer(config, data, pool);
  const Status restored = folder->restore(*rest);
  EXPECT_TRUE(restored.ok()) << restored.message();
  runSteps(*rest, rest->totalSteps());
  return rest;
}

inline std::vector<float> weightsOf(const Trainer &trainer) {
  std::vector<float> all;
  for (const nn::Parameter *parameter : trainer.parameters()) {
    all.insert(all.end(), parameter->value.values().begin(),
               parameter->value.values().end());
  }
  return all;
}

} // namespace lpgen::train

#endif // LPGEN_TESTS_TRAINING_SMALLRUNS_H
