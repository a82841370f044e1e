// Clients with images of their own: their shares, changes of weights rounded on
// the way, and what a round comes to beside clients that train alone.
#include "tests/training/SmallRuns.h"
#include "training/data/Shares.h"
#include "training/distributed/FederatedRounds.h"
#include "training/distributed/RoundedValues.h"
#include <barrier>
#include <gmock/gmock.h>
#include <set>
#include <thread>

namespace lpgen::train {
namespace {

using ::testing::HasSubstr;

TEST(RoundedValues, AreUnbiasedAndOnTheirGrid) {
  const std::vector<float> values = {1, -0.3F, 0.123F, 0, -1, 0.9F, 0.01F};
  for (const int bits : {2, 3, 8, 16}) {
    const float step = 1.0F / float((1 << (bits - 1)) - 1);
    constexpr int draws = 4000;
    std::vector<double> sums(values.size());
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<std::byte> bytes;
      packRounded(values, bits, nn::RandomKey(uint64_t(draw)), bytes);
      ASSERT_EQ(bytes.size(), 4 + (values.size() * size_t(bits) + 7) / 8);
      std::vector<float> got(values.size());
      std::span<const std::byte> rest = bytes;
      ASSERT_TRUE(addRounded(rest, bits, got).ok());
      ASSERT_TRUE(rest.empty());
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], values[i], step * 1.0001F) << bits;
        ASSERT_NEAR(got[i] / step, std::round(got[i] / step), 1e-3) << bits;
        sums[i] += double(got[i]);
      }
    }
    for (size_t i = 0; i < values.size(); ++i) {
      // Five deviations of a mean; that of one draw is at most half a step.
      EXPECT_NEAR(sums[i] / draws, values[i],
                  5 * double(step) / 2 / std::sqrt(double(draws)) + 1e-6)
          << bits << " " << i;
    }
  }
}

TEST(RoundedValues, FloatsZerosAndNumbersThatAreNone) {
  const nn::RandomKey key(1);
  std::vector<float> values = {1.25F, -3e-30F, 7e20F};
  std::vector<std::byte> bytes;
  packRounded(values, 32, key, bytes);
  std::vector<float> got(3);
  std::span<const std::byte> rest = bytes;
  ASSERT_TRUE(addRounded(rest, 32, got).ok());
  EXPECT_EQ(got, values);
  values.assign(3, 0.0F);
  bytes.clear();
  packRounded(values, 4, key, bytes);
  rest = bytes;
  got.assign(3, 1.0F);
  ASSERT_TRUE(addRounded(rest, 4, got).ok());
  EXPECT_EQ(got, std::vector<float>(3, 1.0F));
  for (size_t size = 0; size < bytes.size(); ++size) {
    rest = std::span<const std::byte>(bytes).first(size);
    EXPECT_THAT(addRounded(rest, 4, got).message(), HasSubstr("fewer")) << size;
  }
  values[1] = std::nanf("");
  bytes.clear();
  packRounded(values, 4, key, bytes);
  EXPECT_EQ(bytes.size(), 4u);
  rest = bytes;
  ASSERT_TRUE(addRounded(rest, 4, got).ok());
  EXPECT_TRUE(std::isnan(got[0]));
}

TEST(Shares, AreEqualAndDisjointAndOfFewClassesIfWanted) {
  const data::Dataset all = quarters(103);
  for (const int64_t shards : {0, 1, 2}) {
    std::multiset<std::vector<uint8_t>> seen;
    std::multiset<size_t> classes;
    for (int64_t client = 0; client < 4; ++client) {
      data::Dataset share = all;
      ASSERT_TRUE(
          data::keepShare(share, client, 4, shards, nn::RandomKey(1)).ok());
      ASSERT_EQ(share.train.count, shards == 2 ? 24 : 25);
      ASSERT_EQ(share.train.labels.size(), size_t(share.train.count));
      classes.insert(std::set<uint8_t>(share.train.labels.begin(),
                                       share.train.labels.end())
                         .size());
      for (int64_t i = 0; i < share.train.count; ++i) {
        const auto begin = share.train.pixels.begin() + i * 64;
        seen.emplace(begin, begin + 64);
      }
    }
    // Images differ, so that one in two shares would be there twice.
    EXPECT_EQ(seen.size(), std::set(seen.begin(), seen.end()).size()) << shards;
    EXPECT_EQ(*classes.begin() == 4, shards == 0) << shards;
    EXPECT_LE(*classes.begin(), shards == 0 ? 4u : size_t(shards) + 1);
  }
  data::Dataset few = quarters(3);
  EXPECT_THAT(data::keepShare(few, 0, 4, 0, nn::RandomKey(1)).message(),
              HasSubstr("cannot cut the 3 training images of 'quarters' into 4 "
                        "pieces"));
}

/// A group of one, whose messages arrive with `added` zeros, or less.
struct Alone : ProcessGroup {
  int rank() const override { return 0; }
  int count() const override { return 1; }
  Result<std::vector<std::vector<std::byte>>>
  exchange(const std::vector<std::byte> &own) override {
    std::vector<std::byte> message = own;
    message.resize(size_t(int64_t(own.size()) + added));
    return std::vector<std::vector<std::byte>>{message};
  }
  [[noreturn]] void abort(int status) override { std::exit(status); }
  int64_t added = 0;
};

TEST(FederatedRounds, MessagesOfOtherNetworksAreErrors) {
  Alone group;
  std::vector<float> values = {1, 2, 3};
  FederatedRounds rounds({}, group, {{"w", values, false}});
  const auto finish = [&](int64_t added) {
    group.added = added;
    rounds.begin();
    values[1] += 1;
    return rounds.finish(nn::RandomKey(1));
  };
  EXPECT_TRUE(finish(0).ok());
  EXPECT_EQ(values[1], 3);
  EXPECT_THAT(finish(-1).message(), HasSubstr("there are fewer"));
  EXPECT_THAT(finish(1).message(), HasSubstr("there are more"));
}

TEST(FederatedRounds, EndEvenlyInAnEpochAndAtItsEnd) {
  FederatedSpec spec;
  spec.rounds = 3;
  Alone alone;
  const FederatedRounds rounds(spec, alone, {});
  std::vector<int64_t> ends;
  for (int64_t step = 0; step < 14; ++step) {
    if (rounds.endsWith(step, 7)) {
      ends.push_back(step);
    }
  }
  EXPECT_EQ(ends, (std::vector<int64_t>{2, 4, 6, 9, 11, 13}));
}

TEST(FederatedRounds, OptionsOutOfRangeAreErrors) {
  EXPECT_FALSE(readFederated("none")->has_value());
  EXPECT_EQ((*readFederated("fedavg<bits=4,shards=2>"))->bits, 4);
  EXPECT_THAT(readFederated("fedavg<bits=20>").message(),
              HasSubstr("'bits' is 20, expected 2 to 16, or 32 for floats"));
  EXPECT_THAT(readFederated("fedprox").message(),
              HasSubstr("unknown federated training 'fedprox', expected"));
}

/// Clients that are threads of this process.
class Threads {
public:
  explicit Threads(int count)
      : messages(size_t(count)), meeting(count), count(count) {}
  class Client : public ProcessGroup {
  public:
    Client(Threads &all, int rank) : all(all), own(rank) {}
    int rank() const override { return own; }
    int count() const override { return all.count; }
    Result<std::vector<std::vector<std::byte>>>
    exchange(const std::vector<std::byte> &message) override {
      all.messages[size_t(own)] = message;
      all.meeting.arrive_and_wait();
      std::vector<std::vector<std::byte>> seen = all.messages;
      all.meeting.arrive_and_wait();
      return seen;
    }
    [[noreturn]] void abort(int status) override { std::exit(status); }

  private:
    Threads &all;
    int own;
  };

private:
  std::vector<std::vector<std::byte>> messages;
  std::barrier<> meeting;
  int count;
};

/// Weights and statistics of batch norm.
std::vector<float> networkOf(Trainer &trainer) {
  struct Copy : nn::StateVisitor {
    void visitBytes(const std::string &, std::span<std::byte> bytes) override {
      const std::span floats(reinterpret_cast<const float *>(bytes.data()),
                             bytes.size() / sizeof(float));
      all.insert(all.end(), floats.begin(), floats.end());
    }
    std::vector<float> all;
  } copy;
  trainer.visitNetwork(copy);
  return copy.all;
}

struct Outcome {
  std::vector<std::vector<float>> networks; ///< Of the clients.
  FederatedCost cost;                       ///< Of the first.
};

Outcome trainClients(Config config, const data::Dataset &all, int clients) {
  config.workers = clients;
  Threads threads(clients);
  Outcome outcome;
  outcome.networks.resize(size_t(clients));
  std::vector<std::thread> running;
  running.reserve(size_t(clients));
  for (int rank = 0; rank < clients; ++rank) {
    running.emplace_back([&, rank] {
      Threads::Client group(threads, rank);
      data::Dataset share = all;
      ASSERT_TRUE(takeShare(config, rank, share).ok());
      Result<std::unique_ptr<Trainer>> trainer =
          Trainer::create(config, share, nullptr, nullptr, &group);
      ASSERT_TRUE(trainer.ok()) << trainer.message();
      runSteps(**trainer, (*trainer)->totalSteps());
      outcome.networks[size_t(rank)] = networkOf(**trainer);
      if (rank == 0) {
        outcome.cost = (*trainer)->federatedCost();
      }
    });
  }
  for (std::thread &thread : running) {
    thread.join();
  }
  return outcome;
}

TEST(FederatedRounds, ARoundIsTheMeanOfClientsThatTrainAlone) {
  const data::Dataset all = quarters(96);
  Config config = smallConfig("float32");
  config.epochs = 1;
  std::vector<float> mean;
  for (int rank = 0; rank < 2; ++rank) {
    data::Dataset share = all;
    ASSERT_TRUE(data::keepShare(share, rank, 2, 0, nn::RandomKey(0)).ok());
    const auto trainer = makeTrainer(config, share, nullptr);
    runSteps(*trainer, trainer->totalSteps());
    const std::vector<float> alone = networkOf(*trainer);
    mean.resize(alone.size());
    for (size_t i = 0; i < mean.size(); ++i) {
      mean[i] += alone[i] / 2;
    }
  }
  config.federated = "fedavg<bits=32>";
  const Outcome floats = trainClients(config, all, 2);
  config.federated = "fedavg<bits=8>";
  const Outcome rounded = trainClients(config, all, 2);
  ASSERT_EQ(floats.networks[0].size(), mean.size());
  EXPECT_EQ(floats.networks[0], floats.networks[1]);
  EXPECT_EQ(rounded.networks[0], rounded.networks[1]);
  double greatest = 0;
  for (size_t i = 0; i < mean.size(); ++i) {
    ASSERT_NEAR(floats.networks[0][i], mean[i], 1e-5F) << i;
    greatest =
        std::max(greatest, double(std::fabs(rounded.networks[0][i] - mean[i])));
  }
  // Weights are rounded, and by no more than the changes of an epoch allow.
  EXPECT_GT(greatest, 1e-5);
  EXPECT_LT(greatest, 0.01);
  EXPECT_EQ(rounded.cost.rounds, 1);
  EXPECT_LT(rounded.cost.sentBytes * 3, floats.cost.sentBytes);
}

TEST(FederatedRounds, CostsAreThoseOfTheLayers) {
  const data::Dataset all = quarters(64);
  Config config = smallConfig("float32");
  config.model = "logistic";
  config.epochs = 2;
  config.federated = "fedavg<bits=4,rounds=2>";
  const Outcome outcome = trainClients(config, all, 2);
  // 64 pixels by 4 classes, forward and weight gradient, 2 epochs of 32 images.
  EXPECT_EQ(outcome.cost.macs, 2.0 * 64 * 4 * 64);
  EXPECT_EQ(outcome.cost.bops, 1024 * outcome.cost.macs);
  EXPECT_EQ(outcome.cost.rounds, 4);
  EXPECT_EQ(outcome.cost.sentBytes, 4 * (4 + 64 * 4 / 2));
  FederatedSpec spec;
  spec.bopPicojoules = 2;
  spec.bitNanojoules = 3;
  EXPECT_DOUBLE_EQ(outcome.cost.joules(spec),
                   outcome.cost.bops * 2e-12 +
                       8.0 * double(outcome.cost.sentBytes) * 3e-9);
}

} // namespace
} // namespace lpgen::train
