// The list of peers.
#include "bench/peers/Peer.h"

namespace lpgen {

std::vector<std::unique_ptr<Peer>> makePeers(const PeerInputs &inputs,
                                             std::vector<std::string> &notes) {
  std::vector<std::unique_ptr<Peer>> peers;
  const auto add = [&](PeerResult peer) {
    if (peer.ok()) {
      peers.push_back(std::move(*peer));
    } else {
      notes.push_back(peer.message());
    }
  };
  add(makeOneDnnPeer(inputs));
  add(makeInt16Avx2Peer(inputs));
  add(makePlainPeer(inputs));
  return peers;
}

} // namespace lpgen
