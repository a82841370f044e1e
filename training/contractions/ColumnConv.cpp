// Images to columns, sums to floats.
#include "training/contractions/BatchBlocks.h"
#include "training/contractions/Columns.h"
#include "training/contractions/MatrixConv.h"

namespace lpgen::quant {

/// A pixel of the columns is one of the image.
static bool columnsAreImage(const ConvGeometry &g) {
  return g.kernel == 1 && g.stride == 1 && g.padding == 0 && g.groups == 1;
}

/// The columns of `count` images of a group: the images themselves, or in the
/// worker's memory.
template <typename T>
static const T *columnsOf(const ConvGeometry &g, int64_t group, const T *images,
                          int64_t count) {
  if (columnsAreImage(g)) {
    return images;
  }
  const int64_t size = g.outPixels() * g.reduction();
  T *columns = workerMemory<T>(count * size);
  for (int64_t i = 0; i < count; ++i) {
    nn::imageToColumns(g, group, images + i * g.inputSize(), g.reduction(),
                       columns + i * size);
  }
  return columns;
}

Status ColumnConv::run(const ConvGeometry &g, const IntTensor &x,
                       const IntTensor &w, SumWidth &sums, nn::FloatTensor &y,
                       const nn::StepContext &context) {
  const Result<IntegerGemm *> made =
      gemm.forShape({x.max(), w.max(), g.imagesPerBlock() * g.outPixels(),
                     g.groupOutputs(), g.reduction()},
                    context);
  LPGEN_RETURN_IF_ERROR(made.status());
  IntegerGemm &product = **made;
  packed.resize(size_t(g.groups));
  for (int64_t group = 0; group < g.groups; ++group) {
    LPGEN_RETURN_IF_ERROR(w.visit([&](const auto *q) {
      return product.pack(q + group * g.groupOutputs() * g.reduction(),
                          packed[size_t(group)], 0);
    }));
  }
  const float scale = x.scale() * w.scale();
  const auto block = [&](const auto *q, int worker,
                         ImageRange images) -> Status {
    for (int64_t group = 0; group < g.groups; ++group) {
      const auto *columns =
          columnsOf(g, group, q + images.begin * g.inputSize(), images.size());
      const int64_t rows = images.size() * g.outPixels();
      LPGEN_RETURN_IF_ERROR(
          product.multiply(columns, rows, packed[size_t(group)], worker));
      product.visitSums(worker, [&](const auto *found) {
        sums.store(found, rows, g.groupOutputs(), scale, g.outputs,
                   y.data() + images.begin * g.outputSize() +
                       group * g.groupOutputs());
      });
    }
    return Status::success();
  };
  return forEachBatchBlock(
      g, x.size() / g.inputSize(), context, [&](int worker, ImageRange images) {
        return x.visit([&](const auto *q) { return block(q, worker, images); });
      });
}

} // namespace lpgen::quant
