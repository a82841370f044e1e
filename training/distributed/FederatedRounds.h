// Federated averaging with finite precision (McMahan et al. 2017; quantized:
// Kim et al. 2021, arXiv 2111.07911): every client trains on images of its own,
// and at the end of a round all continue with
//
//   w = w0 + mean over clients of round((w' - w0) / scale) scale
//
// of what they began the round with, w0, and what they came to, w'. Rounding is
// stochastic, so that the mean over clients has no bias.
#ifndef LPGEN_TRAINING_DISTRIBUTED_FEDERATEDROUNDS_H
#define LPGEN_TRAINING_DISTRIBUTED_FEDERATEDROUNDS_H

#include "training/distributed/ProcessGroup.h"
#include "training/layers/Layer.h"
#include <optional>

namespace lpgen::train {

struct FederatedSpec {
  int bits = 8;       ///< Of a change on its way; 2 to 16, or 32 for floats.
  int64_t rounds = 1; ///< In an epoch, the last one at its end.
  int64_t shards = 0; ///< As keepShare has them.
  // The model of energy:
  double bopPicojoules = 0; ///< Of a bit operation.
  double bitNanojoules = 0; ///< Of a bit that is sent.
};

/// "none", or "fedavg<bits=8>".
Result<std::optional<FederatedSpec>> readFederated(const std::string &text);
std::string federatedHelp();

/// What one client has done since the start.
struct FederatedCost {
  int64_t rounds = 0;
  int64_t sentBytes = 0;
  double macs = 0;
  double bops = 0; ///< Products of floats count 32 x 32.
  /// bops and sentBytes as the model has them.
  double joules(const FederatedSpec &spec) const {
    return bops * spec.bopPicojoules * 1e-12 +
           8 * double(sentBytes) * spec.bitNanojoules * 1e-9;
  }
};

class FederatedRounds {
public:
  /// A tensor of the network: weights of products are rounded, everything else
  /// (biases, batch norm and its statistics) is sent as it is.
  struct Piece {
    std::string name;
    std::span<float> values;
    bool isRounded = false;
  };
  /// Peers and values must outlive this.
  FederatedRounds(const FederatedSpec &spec, ProcessGroup &peers,
                  std::vector<Piece> pieces)
      : spec(spec), peers(peers), pieces(std::move(pieces)) {}

  const FederatedSpec &settings() const { return spec; }
  /// True if a round ends with step `step` + 1 of `stepsPerEpoch`.
  bool endsWith(int64_t step, int64_t stepsPerEpoch) const;
  /// Keeps what the round begins with, unless a round is under way.
  void begin();
  /// Ends the round: all clients have the same values afterwards.
  Status finish(const nn::RandomKey &random);
  int64_t sentBytes() const { return sent; }
  void visitState(nn::StateVisitor &visitor) {
    visitor.visit("federated.sentBytes", sent);
  }

private:
  FederatedSpec spec;
  ProcessGroup &peers;
  std::vector<Piece> pieces;
  std::vector<std::vector<float>> center; ///< Empty between rounds.
  int64_t sent = 0;
};

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_FEDERATEDROUNDS_H
