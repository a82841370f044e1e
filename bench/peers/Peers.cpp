// The list of peers. CMake defines LPGEN_BENCH_HAVE_* for those whose library
// it found; a peer that was not built is named in the report with its reason.
#include "workbench/measure/Peer.h"
#include <algorithm>
#include <cstdlib>

namespace lpgen {

Status PeerInputs::checkBytes(const std::string &peer) const {
  for (const BenchTensor *type : {&xType, &wType}) {
    if (!fits(*type, 0, UINT8_MAX) && !fits(*type, INT8_MIN, INT8_MAX)) {
      return Status::error(peer + ": " +
                           (type == &xType ? "activations" : "weights") +
                           " beyond 8 bits");
    }
  }
  return Status::success();
}

Arithmetic PeerInputs::floatArithmetic() const {
  const auto magnitude = [](const BenchTensor &type) {
    return double(std::max(std::abs(type.lo), std::abs(type.hi)));
  };
  const double exactIntegers = 1 << 24;
  return magnitude(xType) * magnitude(wType) *
                     double(problem.reductionSize()) <=
                 exactIntegers
             ? Arithmetic::Exact
             : Arithmetic::Rounding;
}

namespace {
/// One peer, or why it was not built.
struct PeerKind {
  const char *name;
  PeerResult (*make)(const PeerInputs &inputs); ///< Null if not built.
  const char *package;                          ///< Where it comes from.
  bool hasDepthwise = false;
};
} // namespace

#ifdef LPGEN_BENCH_HAVE_ONEDNN
#define LPGEN_BENCH_ONEDNN(function) function
#else
#define LPGEN_BENCH_ONEDNN(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_OPENBLAS
#define LPGEN_BENCH_OPENBLAS(function) function
#else
#define LPGEN_BENCH_OPENBLAS(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_XNNPACK
#define LPGEN_BENCH_XNNPACK(function) function
#else
#define LPGEN_BENCH_XNNPACK(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_GEMMLOWP
#define LPGEN_BENCH_GEMMLOWP(function) function
#else
#define LPGEN_BENCH_GEMMLOWP(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_HALIDE
#define LPGEN_BENCH_HALIDE(function) function
#else
#define LPGEN_BENCH_HALIDE(function) nullptr
#endif
#ifdef LPGEN_BENCH_HAVE_INT16
#define LPGEN_BENCH_INT16(function) function
#else
#define LPGEN_BENCH_INT16(function) nullptr
#endif

static constexpr PeerKind kinds[] = {
    {"oneDNN int8", LPGEN_BENCH_ONEDNN(makeOneDnnPeer), "libdnnl-dev", true},
    {"oneDNN f32", LPGEN_BENCH_ONEDNN(makeOneDnnFloatPeer), "libdnnl-dev",
     true},
    {"OpenBLAS", LPGEN_BENCH_OPENBLAS(makeOpenBlasPeer),
     "libopenblas-pthread-dev"},
    {"XNNPACK", LPGEN_BENCH_XNNPACK(makeXnnpackPeer),
     "libxnnpack-dev, libcpuinfo-dev and libpthreadpool-dev", true},
    {"gemmlowp", LPGEN_BENCH_GEMMLOWP(makeGemmlowpPeer), "libgemmlowp-dev"},
    {"Halide bit-serial", LPGEN_BENCH_HALIDE(makeHalideBitSerialPeer),
     "libhalide14-0-dev"},
    {"Halide int8", LPGEN_BENCH_HALIDE(makeHalideInt8Peer),
     "libhalide14-0-dev"},
    {"int16 by hand", LPGEN_BENCH_INT16(makeInt16Avx2Peer), ""},
    {"plain C++", makePlainPeer, "", true},
};

/// Why a peer is not in this program.
static std::string whyNotBuilt(const PeerKind &kind) {
  const std::string name = kind.name;
  return *kind.package == '\0'
             ? name + ": is written for x86 with AVX2"
             : name +
                   ": was not found when lpgen-bench was built, or does not "
                   "exist for this architecture (Debian: " +
                   kind.package + ")";
}

std::vector<std::unique_ptr<Peer>> makePeers(const PeerInputs &inputs,
                                             std::vector<std::string> &notes) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const PeerKind &kind : kinds) {
    if (!kind.make) {
      notes.push_back(whyNotBuilt(kind));
      continue;
    }
    if (inputs.problem.isDepthwise && !kind.hasDepthwise) {
      notes.push_back(std::string(kind.name) +
                      ": has no depthwise convolution");
      continue;
    }
    PeerResult peer = kind.make(inputs);
    if (peer.ok()) {
      peers.push_back(std::move(*peer));
    } else {
      notes.push_back(peer.message());
    }
  }
  return peers;
}

} // namespace lpgen
