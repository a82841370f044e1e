// One message for each client and round: the changes of all tensors.
#include "training/distributed/FederatedRounds.h"
#include "training/distributed/RoundedValues.h"
#include "training/policies/PolicyOptions.h"
#include <algorithm>

namespace lpgen::train {

// 8 x 8 bits cost 0.3 pJ in 45 nm, a multiplication and an addition of 32 bits
// (Horowitz 2014, figure 1.1.9): 0.005 pJ for each of 64 bit operations. 32 x
// 32 bits are then 5 pJ, and a multiply-add of floats there 4.6 pJ. A radio of
// 0.1 W at 1 Mbit/s takes 100 nJ for a bit.
static constexpr PolicyOption options[] = {
    PolicyOption::whole("bits", FederatedSpec().bits, 2, 32),
    PolicyOption::whole("rounds", FederatedSpec().rounds, 1, 1000000),
    PolicyOption::whole("shards", FederatedSpec().shards, 0, 1000),
    PolicyOption::number("bop-picojoules", 0.005, 0, 1e6),
    PolicyOption::number("bit-nanojoules", 100, 0, 1e9)};

std::string federatedHelp() { return usageOf("fedavg", options); }

Result<std::optional<FederatedSpec>> readFederated(const std::string &text) {
  const auto read = readOptional(text, "federated training", "fedavg", options);
  LPGEN_RETURN_IF_ERROR(read.status());
  if (!*read) {
    return std::optional<FederatedSpec>();
  }
  const PolicyOptions &given = **read;
  const FederatedSpec spec = {
      int(given.whole("bits")), given.whole("rounds"), given.whole("shards"),
      given.number("bop-picojoules"), given.number("bit-nanojoules")};
  if (spec.bits > 16 && spec.bits != 32) {
    return Status::error("federated training 'fedavg': 'bits' is " +
                         std::to_string(spec.bits) +
                         ", expected 2 to 16, or 32 for floats");
  }
  return std::optional(spec);
}

bool FederatedRounds::endsWith(int64_t step, int64_t stepsPerEpoch) const {
  const int64_t inEpoch = step % stepsPerEpoch;
  return (inEpoch + 1) * spec.rounds / stepsPerEpoch >
         inEpoch * spec.rounds / stepsPerEpoch;
}

void FederatedRounds::begin() {
  if (!center.empty()) {
    return;
  }
  for (const Piece &piece : pieces) {
    center.emplace_back(piece.values.begin(), piece.values.end());
  }
}

Status FederatedRounds::finish(const nn::RandomKey &random) {
  assert(center.size() == pieces.size() && "a round was begun");
  const nn::RandomKey own = random.of(uint64_t(peers.rank()));
  std::vector<std::byte> message;
  std::vector<float> change;
  for (size_t p = 0; p < pieces.size(); ++p) {
    const std::span<float> values = pieces[p].values;
    change.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      change[i] = values[i] - center[p][i];
    }
    packRounded(change, pieces[p].isRounded ? spec.bits : 32,
                own.of(pieces[p].name), message);
  }
  sent += int64_t(message.size());
  const Result<std::vector<std::vector<std::byte>>> all =
      peers.exchange(message);
  LPGEN_RETURN_IF_ERROR(all.status());
  std::vector<std::span<const std::byte>> rest(all->begin(), all->end());
  for (size_t p = 0; p < pieces.size(); ++p) {
    change.assign(pieces[p].values.size(), 0.0F);
    for (std::span<const std::byte> &bytes : rest) {
      LPGEN_RETURN_IF_ERROR(
          addRounded(bytes, pieces[p].isRounded ? spec.bits : 32, change));
    }
    for (size_t i = 0; i < change.size(); ++i) {
      pieces[p].values[i] = center[p][i] + change[i] / float(peers.count());
    }
  }
  center.clear();
  if (std::ranges::any_of(rest, [](auto bytes) { return !bytes.empty(); })) {
    return Status::error("rounded weights: there are more than the network "
                         "has; the processes do not train the same network");
  }
  return Status::success();
}

} // namespace lpgen::train
