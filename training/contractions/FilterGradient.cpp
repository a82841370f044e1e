// Both operands with the pixels of a block innermost; the sums of all blocks
// are added in 64 bits.
#include "training/contractions/BatchBlocks.h"
#include "training/contractions/Columns.h"
#include "training/contractions/MatrixConv.h"
#include "training/contractions/Transpose.h"

namespace lpgen::quant {

namespace {
/// The matrices of one block for one group.
template <typename X, typename Y>
struct GradientMatrices {
  std::vector<X> planes;  ///< One image as [channels, height, width].
  std::vector<X> columns; ///< [taps, pixels of the block]
  std::vector<Y> outputs; ///< [outputs, pixels of the block]

  void fill(const ConvGeometry &g, int64_t group, const X *x, const Y *dy,
            ImageRange images) {
    const int64_t pixels = g.imagesPerBlock() * g.outPixels();
    const int64_t plane = g.height * g.width;
    columns.resize(size_t(g.reduction() * pixels));
    outputs.resize(size_t(g.groupOutputs() * pixels));
    planes.resize(size_t(g.inputSize()));
    if (images.size() < g.imagesPerBlock()) {
      std::ranges::fill(columns, X(0));
      std::ranges::fill(outputs, Y(0));
    }
    for (int64_t i = 0; i < images.size(); ++i) {
      const int64_t image = images.begin + i;
      transpose(x + image * g.inputSize(), plane, g.channels, g.channels, plane,
                planes.data());
      nn::imageToColumnsByTap(
          g, planes.data() + group * g.groupChannels() * plane, {1, plane},
          columns.data() + i * g.outPixels(), {1, pixels});
      transpose(dy + image * g.outputSize() + group * g.groupOutputs(),
                g.outPixels(), g.groupOutputs(), g.outputs, pixels,
                outputs.data() + i * g.outPixels());
    }
  }
};

/// Sums of one worker, [groups, taps, outputs]; empty if it had no block.
using Totals = std::vector<int64_t>;
} // namespace

/// dw [groups, outputs, taps] from the totals of all workers.
static void storeGradient(const ConvGeometry &g,
                          const std::vector<Totals> &totals, float scale,
                          SumWidth &sums, nn::FloatTensor &dw) {
  for (int64_t i = 0; i < dw.size(); ++i) {
    const int64_t o = i / g.reduction() % g.groupOutputs();
    const int64_t group = i / g.reduction() / g.groupOutputs();
    const int64_t k = i % g.reduction();
    const int64_t place = (group * g.reduction() + k) * g.groupOutputs() + o;
    int64_t sum = 0;
    for (const Totals &total : totals) {
      sum += total.empty() ? 0 : total[size_t(place)];
    }
    sums.store(&sum, 1, 1, scale, 0, &dw[i]);
  }
}

Status FilterGradient::run(const ConvGeometry &g, const IntTensor &x,
                           const IntTensor &dy, SumWidth &sums,
                           nn::FloatTensor &dw,
                           const nn::StepContext &context) {
  const Result<IntegerGemm *> made =
      gemm.forShape({x.max(), dy.max(), g.reduction(), g.groupOutputs(),
                     g.imagesPerBlock() * g.outPixels()},
                    context);
  LPGEN_RETURN_IF_ERROR(made.status());
  IntegerGemm &product = **made;
  // Sums of integers: whoever adds them in whatever order, they are the same.
  std::vector<Totals> totals(static_cast<size_t>(nn::numWorkers(context)));
  const auto block = [&]<typename X, typename Y>(const X *qx, const Y *qy,
                                                 int worker,
                                                 ImageRange images) -> Status {
    thread_local GradientMatrices<X, Y> matrices;
    thread_local PackedWeights outputs;
    Totals &total = totals[size_t(worker)];
    total.resize(size_t(dw.size()));
    for (int64_t group = 0; group < g.groups; ++group) {
      matrices.fill(g, group, qx, qy, images);
      LPGEN_RETURN_IF_ERROR(
          product.pack(matrices.outputs.data(), outputs, worker));
      LPGEN_RETURN_IF_ERROR(product.multiply(matrices.columns.data(),
                                             g.reduction(), outputs, worker));
      product.visitSums(worker, [&](const auto *found) {
        const int64_t size = g.groupOutputs() * g.reduction();
        int64_t *to = total.data() + group * size;
        for (int64_t i = 0; i < size; ++i) {
          to[i] += found[i];
        }
      });
    }
    return Status::success();
  };
  LPGEN_RETURN_IF_ERROR(
      forEachBatchBlock(g, dy.size() / g.outputSize(), context,
                        [&](int worker, ImageRange images) {
                          return x.visit([&](const auto *qx) {
                            return dy.visit([&](const auto *qy) {
                              return block(qx, qy, worker, images);
                            });
                          });
                        }));
  storeGradient(g, totals, x.scale() * dy.scale(), sums, dw);
  return Status::success();
}

} // namespace lpgen::quant
