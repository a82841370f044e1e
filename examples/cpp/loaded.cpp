// Loads a compiled operator and runs it on tensors by name:
//
//   lpgen compile examples/gemm_w4a4.lp --emit shared,manifest -o out
//   example-loaded out/gemm_w4a4.so
//
// A network is loaded in the same way; its weights are in the shared object.
#include "runtime/kernels/LoadedKernel.h"
#include <cstdio>

using namespace lpgen;

static HostTensor filled(ElementType type, std::vector<int64_t> shape,
                         float value) {
  HostTensor tensor(type, std::move(shape));
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    if (type.isFloat()) {
      tensor.setFloat(i, value);
    } else {
      tensor.setInt(i, int64_t(value));
    }
  }
  return tensor;
}

static Status run(const char *library) {
  const Result<LoadedKernel> gemm = LoadedKernel::load(library);
  LPGEN_RETURN_IF_ERROR(gemm.status());
  const Result<TensorMap> results = gemm->run({
      {"x", filled({Encoding::Unsigned, 4}, {2, 256}, 3)},
      {"w", filled({Encoding::Signed, 4}, {64, 256}, -2)},
      {"zx", filled({Encoding::Signed, 32}, {}, 1)},
      {"scale", filled({Encoding::Float, 32}, {64}, 0.5F)},
  });
  LPGEN_RETURN_IF_ERROR(results.status());
  for (const auto &[name, tensor] : *results) {
    std::printf("%s: %s%s\n", name.c_str(), tensor.type().str().c_str(),
                shapeToString(tensor.shape()).c_str());
  }
  // The sum over 256 products (3 - 1) * -2, and the same times 0.5.
  return results->at("acc").getInt(0) == -1024 &&
                 results->at("y").getFloat(0) == -512.0F
             ? Status::success()
             : Status::error("the results are wrong");
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s GEMM_W4A4.so\n", argv[0]);
    return 2;
  }
  const Status status = run(argv[1]);
  if (!status.ok()) {
    std::fprintf(stderr, "error: %s\n", status.message().c_str());
    return 1;
  }
  return 0;
}
