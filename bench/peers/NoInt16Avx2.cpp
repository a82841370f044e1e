// Takes the place of Int16Avx2.cpp on other architectures.
#include "bench/peers/Peer.h"

namespace lpgen {

PeerResult makeInt16Avx2Peer(const PeerInputs &inputs) {
  return Status::error("int16: the hand-written kernel is for x86 with AVX2");
}

} // namespace lpgen
