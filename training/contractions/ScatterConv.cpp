// Products to columns, columns to images: sums overlap there, so they are added
// in 64 bits before any is stored.
#include "training/contractions/BatchBlocks.h"
#include "training/contractions/Columns.h"
#include "training/contractions/MatrixConv.h"
#include "training/contractions/Transpose.h"

namespace lpgen::quant {

/// The outputs of one group of `rows` pixels, dense, in the worker's memory.
template <typename T>
static const T *outputsOf(const ConvGeometry &g, int64_t group, const T *pixels,
                          int64_t rows) {
  T *dense = workerMemory<T>(rows * g.groupOutputs());
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(pixels + row * g.outputs + group * g.groupOutputs(),
                g.groupOutputs(), dense + row * g.groupOutputs());
  }
  return dense;
}

/// Packs the weights of a group with taps and outputs exchanged.
template <typename T>
static Status packTransposed(const ConvGeometry &g, const T *w,
                             IntegerGemm &product, PackedWeights &packed) {
  std::vector<T> turned(size_t(g.groupOutputs() * g.reduction()));
  transpose(w, g.groupOutputs(), g.reduction(), g.reduction(), g.groupOutputs(),
            turned.data());
  return product.pack(turned.data(), packed, 0);
}

Status ScatterConv::run(const ConvGeometry &g, const IntTensor &dy,
                        const IntTensor &w, SumWidth &sums, nn::FloatTensor &dx,
                        const nn::StepContext &context) {
  const Result<IntegerGemm *> made =
      gemm.forShape({dy.max(), w.max(), g.imagesPerBlock() * g.outPixels(),
                     g.reduction(), g.groupOutputs()},
                    context);
  LPGEN_RETURN_IF_ERROR(made.status());
  IntegerGemm &product = **made;
  packed.resize(size_t(g.groups));
  for (int64_t group = 0; group < g.groups; ++group) {
    LPGEN_RETURN_IF_ERROR(w.visit([&](const auto *q) {
      return packTransposed(g, q + group * g.groupOutputs() * g.reduction(),
                            product, packed[size_t(group)]);
    }));
  }
  const float scale = dy.scale() * w.scale();
  const auto block = [&](const auto *q, int worker,
                         ImageRange images) -> Status {
    const int64_t size = images.size() * g.inputSize();
    const int64_t rows = images.size() * g.outPixels();
    int64_t *image = workerMemory<int64_t>(size);
    std::fill_n(image, size, 0);
    for (int64_t group = 0; group < g.groups; ++group) {
      const auto *outputs =
          outputsOf(g, group, q + images.begin * g.outputSize(), rows);
      LPGEN_RETURN_IF_ERROR(
          product.multiply(outputs, rows, packed[size_t(group)], worker));
      product.visitSums(worker, [&](const auto *columns) {
        for (int64_t i = 0; i < images.size(); ++i) {
          nn::addColumnsToImage(g, group,
                                columns + i * g.outPixels() * g.reduction(),
                                g.reduction(), image + i * g.inputSize());
        }
      });
    }
    sums.store(image, 1, size, scale, 0,
               dx.data() + images.begin * g.inputSize());
    return Status::success();
  };
  return forEachBatchBlock(g, dy.size() / g.outputSize(), context,
                           [&](int worker, ImageRange images) {
                             return dy.visit([&](const auto *q) {
                               return block(q, worker, images);
                             });
                           });
}

} // namespace lpgen::quant
