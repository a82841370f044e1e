// halide-oracle FOLDER: computes the operators of HalideCases with Halide and
// writes inputs and outputs there, as CASE.x.npy, .w.npy, .zx.npy, .zw.npy and
// .y.npy. A program of its own, because Halide brings its own LLVM.
#include "base/tensor/Npy.h"
#include "tests/halide/HalideCases.h"
#include <Halide.h>
#include <cstdio>
#include <optional>

using namespace lpgen;
using namespace lpgen::halidetest;
using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::Var;

namespace {

/// A sequence of values of a type, the same on every machine (splitmix64).
class Values {
public:
  explicit Values(uint64_t seed) : state(seed) {}

  HostTensor tensor(ElementType type, std::vector<int64_t> shape) {
    HostTensor values(type, std::move(shape));
    for (int64_t i = 0; i < values.numElements(); ++i) {
      values.setInt(i, one(type));
    }
    return values;
  }

private:
  int64_t one(ElementType type) {
    state += 0x9E3779B97F4A7C15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    const int64_t low = type.minValue();
    if (type.encoding == Encoding::Bipolar) {
      return low + 2 * int64_t(z % (uint64_t(1) << type.bits));
    }
    return low + int64_t(z % uint64_t(type.maxValue() - low + 1));
  }
  uint64_t state;
};

Halide::Type halideType(const HostTensor &tensor) {
  const int bits = int(tensor.type().storageBits());
  return tensor.type().isStorageSigned() ? Halide::Int(bits)
                                         : Halide::UInt(bits);
}

/// A view: Halide's dimension 0 is the one that changes fastest.
Halide::Buffer<> viewOf(HostTensor &tensor) {
  const std::vector<int64_t> &shape = tensor.shape();
  const std::vector<int> sizes(shape.rbegin(), shape.rend());
  return Halide::Buffer<>(halideType(tensor), tensor.data(), sizes);
}

/// Runs `output` into `result`. The machine's vector extensions are not used:
/// LLVM 14 misjudges CPUs that are newer than itself, and the sums are exact
/// with any instructions.
void realizeInto(Func &output, HostTensor &result) {
  const Halide::Target host = Halide::get_host_target();
  Halide::Buffer<> view = viewOf(result);
  output.realize(view, Halide::Target(host.os, host.arch, host.bits));
}

/// The tensors of one case under the names of the operator's arguments.
struct CaseData {
  HostTensor x, w, y;
  std::optional<HostTensor> zx, zw;

  Status write(const std::string &stem) const {
    LPGEN_RETURN_IF_ERROR(writeNpy(stem + ".x.npy", x));
    LPGEN_RETURN_IF_ERROR(writeNpy(stem + ".w.npy", w));
    if (zx) {
      LPGEN_RETURN_IF_ERROR(writeNpy(stem + ".zx.npy", *zx));
    }
    if (zw) {
      LPGEN_RETURN_IF_ERROR(writeNpy(stem + ".zw.npy", *zw));
    }
    return writeNpy(stem + ".y.npy", y);
  }
};

/// The scalar zero point as an i32 tensor of rank 0, inside x's type.
HostTensor scalarZero(ElementType type, Values &values) {
  HostTensor zero({Encoding::Signed, 32}, {});
  zero.setInt(0, values.tensor(type, {1}).getInt(0));
  return zero;
}

constexpr ElementType i32 = {Encoding::Signed, 32};

CaseData computeGemm(const GemmCase &c, Values values) {
  CaseData data{values.tensor(c.x, {c.m, c.k}),
                values.tensor(c.w, {c.n, c.k}),
                HostTensor(i32, {c.m, c.n}),
                {},
                {}};
  Halide::Buffer<> x = viewOf(data.x);
  Halide::Buffer<> w = viewOf(data.w);
  const Var i("i");
  const Var j("j");
  const RDom k(0, int(c.k), "k");
  Expr left = Halide::cast<int32_t>(x(k, i));
  Expr right = Halide::cast<int32_t>(w(k, j));
  if (c.xZero) {
    data.zx = scalarZero(c.x, values);
    left = left - int(data.zx->getInt(0));
  }
  if (c.wZero) {
    data.zw = values.tensor(c.w, {c.n});
    right = right - Halide::cast<int32_t>(viewOf(*data.zw)(j));
  }
  Func y("y");
  y(j, i) = 0;
  y(j, i) += left * right;
  realizeInto(y, data.y);
  return data;
}

/// x with its border, as i32, not yet less the zero point.
Func bordered(const ConvCase &c, CaseData &data) {
  const Var channel("c");
  const Var group("g");
  const Var column("s");
  const Var row("r");
  const Var image("b");
  Func wide("wide");
  wide(channel, group, column, row, image) =
      Halide::cast<int32_t>(viewOf(data.x)(channel, group, column, row, image));
  const int value =
      c.border == Border::XZero ? int(data.zx->getInt(0)) : int(c.borderValue);
  const Expr outside = value;
  return Halide::BoundaryConditions::constant_exterior(
      wide, outside,
      {{Expr(0), Expr(int(c.inputs))},
       {Expr(0), Expr(int(c.groups))},
       {Expr(0), Expr(int(c.width))},
       {Expr(0), Expr(int(c.height))},
       {Expr(0), Expr(int(c.batch))}});
}

CaseData computeConv(const ConvCase &c, Values values) {
  CaseData data{
      values.tensor(c.x, {c.batch, c.height, c.width, c.groups, c.inputs}),
      values.tensor(
          c.w, {c.groups, c.outputs, c.filterHeight, c.filterWidth, c.inputs}),
      HostTensor(i32, {c.batch, c.outputHeight(), c.outputWidth(), c.groups,
                       c.outputs}),
      {},
      {}};
  if (c.xZero) {
    data.zx = scalarZero(c.x, values);
  }
  const Var o("o");
  const Var g("g");
  const Var v("v");
  const Var h("h");
  const Var n("n");
  const RDom r(0, int(c.inputs), 0, int(c.filterWidth), 0, int(c.filterHeight));
  const int stride = int(c.stride);
  const int dilation = int(c.dilation);
  Expr left =
      bordered(c, data)(r.x, g, stride * v + dilation * r.y - int(c.left),
                        stride * h + dilation * r.z - int(c.top), n);
  Expr right = Halide::cast<int32_t>(viewOf(data.w)(r.x, r.y, r.z, o, g));
  if (c.xZero) {
    left = left - int(data.zx->getInt(0));
  }
  if (c.wZero) {
    data.zw = values.tensor(c.w, {c.groups, c.outputs});
    right = right - Halide::cast<int32_t>(viewOf(*data.zw)(o, g));
  }
  Func y("y");
  y(o, g, v, h, n) = 0;
  y(o, g, v, h, n) += left * right;
  realizeInto(y, data.y);
  return data;
}

Status computeAll(const std::string &folder) {
  uint64_t seed = 0;
  for (const GemmCase &c : gemmCases()) {
    LPGEN_RETURN_IF_ERROR(
        computeGemm(c, Values(++seed)).write(folder + "/" + c.name));
  }
  for (const ConvCase &c : convCases()) {
    LPGEN_RETURN_IF_ERROR(
        computeConv(c, Values(++seed)).write(folder + "/" + c.name));
  }
  return Status::success();
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: halide-oracle FOLDER\n"
                         "writes the inputs and outputs of all cases to the "
                         "existing folder\n");
    return 2;
  }
  if (const Status status = computeAll(argv[1]); !status.ok()) {
    std::fprintf(stderr, "halide-oracle: error: %s\n",
                 status.message().c_str());
    return 1;
  }
  return 0;
}
