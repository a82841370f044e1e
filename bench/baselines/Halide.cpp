// Halide 14: two schedules of the product as a Halide programmer writes them,
// compiled while the baseline is made.
//
// `bit-serial`: operands as bit planes, bytes of eight channels; 32 output
// channels in a vector, 4 pixels share a load; bytes of counts are widened
// before they can overflow. `int8`: bytes widened to pairs of 16 bits for
// vpmaddwd, which is exact. Both see a convolution as im2col, made before the
// time starts. The features are named, because Halide 14 fails on those that it
// finds on CPUs with AVX-512.
#include "base/abi/CpuFeatures.h"
#include "base/abi/lp_kernel.h"
#include "bench/baselines/Operands.h"
#include "workbench/measure/Baseline.h"
#include <Halide.h>

namespace lpgen {

using Halide::Buffer;
using Halide::cast;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

static constexpr int tilePixels = 4;
static constexpr int planeLanes = 32; ///< Output channels of a byte vector.
static constexpr int wideLanes = 16;  ///< Output channels of a vpmaddwd tile.
/// Bytes of bits whose counts add up in a byte: at most 31.
static constexpr int chunkBytes = 24;
/// More pairs of planes are no use of this arithmetic.
static constexpr unsigned maxPlanePairs = 16;

namespace {
/// What Halide hands back to halideParallelFor.
struct Context : Halide::JITUserContext {
  ThreadPool *pool = nullptr;
};

class HalideBaseline : public Baseline {
public:
  /// `result`(outChannel, pixel) is int32.
  HalideBaseline(const BaselineInputs &inputs, std::string kind, Func result,
                 int lanes);

  std::string name() const override {
    return "Halide 14 " + kind + ", AVX2" + im2colRemark(problem);
  }
  Status run() override;
  Result<std::vector<int32_t>> results() override;

private:
  const Problem &problem;
  std::string kind;
  Func result;
  Buffer<int32_t> y; ///< Rounded up to whole tiles.
  Context context;
};
} // namespace

static Halide::Target jitTarget() {
  using Halide::Target;
  return {Target::Linux,
          Target::X86,
          64,
          {Target::JIT, Target::SSE41, Target::AVX, Target::AVX2, Target::FMA,
           Target::F16C, Target::NoAsserts, Target::NoBoundsQuery}};
}

static int roundUp(int64_t value, int multiple) {
  return int((value + multiple - 1) / multiple * multiple);
}

/// Halide's parallel loops on our threads.
static int halideParallelFor(Halide::JITUserContext *context,
                             int (*body)(Halide::JITUserContext *, int,
                                         uint8_t *),
                             int min, int size, uint8_t *closure) {
  const auto work = [&](int, TaskRange range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      body(context, min + int(i), closure);
    }
  };
  if (ThreadPool *pool = static_cast<Context *>(context)->pool) {
    pool->run(size, work);
  } else {
    work(0, {0, size});
  }
  return 0;
}

HalideBaseline::HalideBaseline(const BaselineInputs &inputs, std::string kind,
                               Func result, int lanes)
    : problem(inputs.problem), kind(std::move(kind)), result(std::move(result)),
      y(roundUp(problem.outChannels, lanes),
        roundUp(problem.pixels(), tilePixels)) {
  context.pool = inputs.pool;
  context.handlers.custom_do_par_for = halideParallelFor;
  this->result.compile_jit(jitTarget());
}

Status HalideBaseline::run() {
  try {
    result.realize(&context, y, jitTarget());
  } catch (const Halide::Error &error) {
    return Status::error(name() + ": " + error.what());
  }
  return Status::success();
}

Result<std::vector<int32_t>> HalideBaseline::results() {
  std::vector<int32_t> values;
  for (int pixel = 0; pixel < problem.pixels(); ++pixel) {
    for (int o = 0; o < problem.outChannels; ++o) {
      values.push_back(y(o, pixel));
    }
  }
  return values;
}

/// Tiles of output channels outside, so that their weights stay in a cache;
/// `sum` is computed for one tile at a time.
static void scheduleTiles(Func &result, Func &sum, const Var &o, const Var &p,
                          int lanes, bool isParallel) {
  const Var tileO;
  const Var tileP;
  const Var oi;
  const Var pi;
  result.tile(o, p, tileO, tileP, oi, pi, lanes, tilePixels)
      .reorder(oi, pi, tileP, tileO)
      .vectorize(oi, 8)
      .unroll(pi);
  if (isParallel) {
    result.parallel(tileO);
  }
  sum.compute_at(result, tileP).vectorize(o, 8).unroll(p);
}

// --- int8 ---

/// Weights [pair of channels][output][2], rounded up with zeros.
static Buffer<int8_t> pairWeights(const BaselineInputs &inputs) {
  const Problem &p = inputs.problem;
  const std::vector<int8_t> w = valuesOf<int8_t>(inputs.w);
  const int64_t depth = p.reductionSize();
  Buffer<int8_t> packed(2, roundUp(p.outChannels, wideLanes),
                        int((depth + 1) / 2));
  packed.fill(0);
  for (int64_t o = 0; o < p.outChannels; ++o) {
    for (int64_t k = 0; k < depth; ++k) {
      packed(int(k % 2), int(o), int(k / 2)) = w[size_t(o * depth + k)];
    }
  }
  return packed;
}

/// Activations [pixel][channel], rounded up with zeros.
template <typename T>
static Buffer<T> rowBuffer(const BaselineInputs &inputs) {
  const Problem &p = inputs.problem;
  const std::vector<T> x = im2col(p, valuesOf<T>(inputs.x), T(0));
  const int64_t depth = p.reductionSize();
  Buffer<T> rows(roundUp(depth, 2), roundUp(p.pixels(), tilePixels));
  rows.fill(0);
  for (int64_t pixel = 0; pixel < p.pixels(); ++pixel) {
    std::copy_n(x.begin() + pixel * depth, depth, &rows(0, int(pixel)));
  }
  return rows;
}

template <typename T>
static Func int8Product(const BaselineInputs &inputs) {
  const Buffer<int8_t> w = pairWeights(inputs);
  const Buffer<T> x = rowBuffer<T>(inputs);
  const Var o;
  const Var p;
  const RDom k(0, 2, 0, w.dim(2).extent());
  const auto widen = [](const Expr &value) {
    return cast<int32_t>(cast<int16_t>(value));
  };
  Func sum;
  Func result;
  sum(o, p) = 0;
  sum(o, p) += widen(x(2 * k.y + k.x, p)) * widen(w(k.x, o, k.y));
  result(o, p) = sum(o, p);
  scheduleTiles(result, sum, o, p, wideLanes, inputs.pool != nullptr);
  const Var oi;
  sum.update()
      .split(o, o, oi, 8)
      .reorder(k.x, oi, o, p, k.y)
      .unroll(o)
      .unroll(p)
      .atomic()
      .vectorize(oi)
      .vectorize(k.x);
  return result;
}

// --- bit-serial ---

namespace {
/// An integer as bit planes: value = sum of weight[i] * bit i, plus `offset`
/// with a factor of `scale` where the encoding is bipolar.
struct Planes {
  std::vector<int> weights;
  int scale = 1;
  int offset = 0;

  explicit Planes(const ElementType &type) {
    for (unsigned i = 0; i < type.bits; ++i) {
      weights.push_back(1 << i);
    }
    if (type.encoding == Encoding::Bipolar) {
      scale = 2;
      offset = 1 - (1 << type.bits);
    } else if (type.encoding != Encoding::Unsigned) {
      weights.back() = -weights.back(); // Two's complement.
    }
  }
  int64_t codeOf(int64_t value) const { return (value - offset) / scale; }
};
} // namespace

/// Func counts(o, p): the sum over all channels of products of codes.
static Func codeProduct(const Buffer<uint8_t> &x, const Buffer<uint8_t> &w,
                        const Planes &xPlanes, const Planes &wPlanes,
                        const Var &o, const Var &p, Func &sum) {
  const int chunks = w.dim(1).extent() / chunkBytes;
  const RDom chunk(0, chunks);
  Expr total = 0;
  std::vector<Func> parts;
  for (size_t i = 0; i < wPlanes.weights.size(); ++i) {
    for (size_t j = 0; j < xPlanes.weights.size(); ++j) {
      const RDom r(0, chunkBytes);
      const Var c;
      Func part;
      part(o, p, c) = cast<uint8_t>(0);
      part(o, p, c) += Halide::popcount(w(o, c * chunkBytes + r, int(i)) &
                                        x(c * chunkBytes + r, p, int(j)));
      total += cast<int32_t>(part(o, p, chunk)) *
               (wPlanes.weights[i] * xPlanes.weights[j]);
      parts.push_back(part);
    }
  }
  sum(o, p) = 0;
  sum(o, p) += total;
  sum.update().reorder(o, p, chunk).vectorize(o, planeLanes).unroll(p);
  for (Func &part : parts) {
    const Halide::RVar r(part.rvars()[0].name());
    part.compute_at(sum, chunk).vectorize(o, planeLanes).unroll(p);
    part.update().reorder(o, p, r).vectorize(o, planeLanes).unroll(p);
  }
  return sum;
}

/// Bits [plane][byte of channels][output or pixel] or the latter two swapped.
static Buffer<uint8_t> packBits(const std::vector<int64_t> &codes, int64_t rows,
                                int64_t depth, unsigned planes, int paddedRows,
                                bool isRowInnermost) {
  const int bytes = roundUp((depth + 7) / 8, chunkBytes);
  Buffer<uint8_t> packed =
      isRowInnermost ? Buffer<uint8_t>(paddedRows, bytes, int(planes))
                     : Buffer<uint8_t>(bytes, paddedRows, int(planes));
  packed.fill(0);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < depth; ++k) {
      const int64_t code = codes[size_t(row * depth + k)];
      for (unsigned plane = 0; plane < planes; ++plane) {
        const auto bit = uint8_t(((code >> plane) & 1) << (k % 8));
        const int byte = int(k / 8);
        (isRowInnermost ? packed(int(row), byte, int(plane))
                        : packed(byte, int(row), int(plane))) |= bit;
      }
    }
  }
  return packed;
}

static std::vector<int64_t> codesOf(std::vector<int64_t> values,
                                    const Planes &planes) {
  for (int64_t &value : values) {
    value = planes.codeOf(value);
  }
  return values;
}

static Func bitSerialProduct(const BaselineInputs &inputs) {
  const Problem &problem = inputs.problem;
  const Planes xPlanes(inputs.xType.type);
  const Planes wPlanes(inputs.wType.type);
  const int64_t depth = problem.reductionSize();
  const Buffer<uint8_t> x =
      packBits(im2col(problem, codesOf(valuesOf<int64_t>(inputs.x), xPlanes),
                      int64_t{0}),
               problem.pixels(), depth, inputs.xType.type.bits,
               roundUp(problem.pixels(), tilePixels), /*isRowInnermost=*/false);
  const Buffer<uint8_t> w = packBits(
      codesOf(valuesOf<int64_t>(inputs.w), wPlanes), problem.outChannels, depth,
      inputs.wType.type.bits, roundUp(problem.outChannels, planeLanes),
      /*isRowInnermost=*/true);
  const Var o;
  const Var p;
  Func sum;
  codeProduct(x, w, xPlanes, wPlanes, o, p, sum);
  Func result;
  if (wPlanes.offset == 0) {
    result(o, p) = sum(o, p);
  } else {
    // (scale * code + offset) * x needs the sum of x for each pixel.
    const RDom byte(0, x.dim(0).extent());
    Expr value = 0;
    for (size_t j = 0; j < xPlanes.weights.size(); ++j) {
      value += cast<int32_t>(Halide::popcount(x(byte, p, int(j)))) *
               xPlanes.weights[j];
    }
    Func xSum;
    xSum(p) += value;
    xSum.compute_root();
    result(o, p) = wPlanes.scale * sum(o, p) + wPlanes.offset * xSum(p);
  }
  scheduleTiles(result, sum, o, p, planeLanes, inputs.pool != nullptr);
  return result;
}

// --- both ---

using MakeProduct = Func (*)(const BaselineInputs &inputs);

static BaselineResult makeBaseline(const BaselineInputs &inputs,
                                   const std::string &kind, MakeProduct product,
                                   int lanes) {
  if ((lp_cpu_features() & LP_CPU_AVX2) == 0) {
    return Status::error("Halide " + kind + ": this CPU lacks AVX2");
  }
  try {
    return BaselineResult(
        std::make_unique<HalideBaseline>(inputs, kind, product(inputs), lanes));
  } catch (const Halide::Error &error) {
    return Status::error("Halide " + kind + ": does not take this operator (" +
                         error.what() + ")");
  }
}

BaselineResult makeHalideBitSerialBaseline(const BaselineInputs &inputs) {
  if (inputs.xType.type.encoding == Encoding::Bipolar) {
    return Status::error("Halide bit-serial: is written for activations for "
                         "which 0 is a code");
  }
  if (inputs.xType.type.bits * inputs.wType.type.bits > maxPlanePairs) {
    return Status::error("Halide bit-serial: more than " +
                         std::to_string(maxPlanePairs) +
                         " pairs of bit planes");
  }
  return makeBaseline(inputs, "bit-serial", bitSerialProduct, planeLanes);
}

BaselineResult makeHalideInt8Baseline(const BaselineInputs &inputs) {
  LPGEN_RETURN_IF_ERROR(inputs.checkBytes("Halide int8"));
  if (!BaselineInputs::fits(inputs.wType, INT8_MIN, INT8_MAX)) {
    return Status::error("Halide int8: weights beyond signed 8 bits");
  }
  return makeBaseline(inputs, "int8",
                      inputs.xType.lo < 0 ? int8Product<int8_t>
                                          : int8Product<uint8_t>,
                      wideLanes);
}

} // namespace lpgen
