// Other implementations of the same product, measured beside a kernel.
//
// A peer gets the logical operands once, brings them into its own layouts, and
// from then on only computes: what is timed is run(). One file per peer.
#ifndef LPGEN_BENCH_PEERS_PEER_H
#define LPGEN_BENCH_PEERS_PEER_H

#include "bench/Job.h"
#include "runtime/core/Tensor.h"
#include "runtime/core/ThreadPool.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lpgen {

/// What a peer is made from; all of it outlives the peer.
struct PeerInputs {
  const Problem &problem;
  const BenchTensor &xType;
  const BenchTensor &wType;
  const HostTensor &x;
  const HostTensor &w;
  ThreadPool *pool = nullptr; ///< Null for one thread.
  int threads = 1;
  std::string isa; ///< As BenchJob::peerIsa.

  /// True if all legal values of the tensor lie in [lo, hi].
  static bool fits(const BenchTensor &tensor, int64_t lo, int64_t hi) {
    return !tensor.type.isFloat() && tensor.lo >= lo && tensor.hi <= hi;
  }
};

class Peer {
public:
  virtual ~Peer() = default;
  /// With data type, instruction set and version, for the table.
  virtual std::string name() const = 0;
  /// Which of its own kernels it uses, if it has several.
  virtual std::string implementation() const { return ""; }
  /// Computes all outputs once.
  virtual Status run() = 0;
  /// The sums of the last run in NHWC, for comparison; empty if the peer writes
  /// something else than i32.
  virtual Result<std::vector<int32_t>> sums() = 0;
  /// False if 16-bit intermediate sums may saturate with these operands, so
  /// that the peer's result may be wrong.
  virtual bool isExact() const { return true; }
};

using PeerResult = Result<std::unique_ptr<Peer>>;

/// oneDNN's convolution or matmul on 8-bit operands. An error says why these
/// operands are not for it; so for all peers.
PeerResult makeOneDnnPeer(const PeerInputs &inputs);
/// A register-tiled 16-bit integer kernel, written by hand for AVX2.
PeerResult makeInt16Avx2Peer(const PeerInputs &inputs);
/// A plain loop nest in C++, as the compiler optimizes it.
PeerResult makePlainPeer(const PeerInputs &inputs);

/// All peers that exist on this architecture and take these operands; why the
/// others do not is appended to `notes`.
std::vector<std::unique_ptr<Peer>> makePeers(const PeerInputs &inputs,
                                             std::vector<std::string> &notes);

} // namespace lpgen

#endif // LPGEN_BENCH_PEERS_PEER_H
