// Blocks of images as columns, one sgemm for each block and group. OpenBLAS
// runs on one thread: ours are the threads, over blocks whose number does not
// depend on that of the threads, so that neither do the results.
#include "runtime/nn/FloatProducts.h"
#include "runtime/nn/Columns.h"
#include <cblas.h>

namespace lpgen::nn {

FloatProducts::FloatProducts(const ConvGeometry &geometry)
    : geometry(geometry) {
  openblas_set_num_threads(1);
}

std::string FloatProducts::implementation(Product product) const {
  return std::string("OpenBLAS sgemm, ") + openblas_get_corename();
}

/// Column-free access where the image already is its matrix of columns.
static bool columnsAreImage(const ConvGeometry &g) {
  return g.kernel == 1 && g.stride == 1 && g.padding == 0 && g.groups == 1;
}

/// The columns of images [first, first + count) of x: x itself or `buffer`.
static const float *columnsOf(const ConvGeometry &g, int64_t group,
                              const float *x, int64_t first, int64_t count,
                              std::vector<float> &buffer) {
  const float *images = x + first * g.inputSize();
  if (columnsAreImage(g)) {
    return images;
  }
  const int64_t imageColumns = g.outPixels() * g.reduction();
  buffer.resize(size_t(count * imageColumns));
  for (int64_t i = 0; i < count; ++i) {
    imageToColumns(g, group, images + i * g.inputSize(), g.reduction(),
                   buffer.data() + i * imageColumns);
  }
  return buffer.data();
}

/// Images [first, first + count) of block number `block`.
static TaskRange blockOf(const ConvGeometry &g, int64_t images, int64_t block) {
  const int64_t begin = block * g.imagesPerBlock();
  return {begin, std::min(begin + g.imagesPerBlock(), images)};
}

static int64_t numBlocks(const ConvGeometry &g, int64_t images) {
  return (images + g.imagesPerBlock() - 1) / g.imagesPerBlock();
}

Status FloatProducts::forward(const FloatTensor &x, const FloatTensor &weight,
                              FloatTensor &y, const Pass &pass) {
  const TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  const ConvGeometry &g = geometry;
  const int64_t images = x.extent(0);
  assert(x.size() == images * g.inputSize() && "input of another shape");
  forEachTask(pass, numBlocks(g, images), [&](int64_t block) {
    thread_local std::vector<float> buffer;
    const TaskRange range = blockOf(g, images, block);
    const int64_t rows = (range.end - range.begin) * g.outPixels();
    for (int64_t group = 0; group < g.groups; ++group) {
      const float *columns = columnsOf(g, group, x.data(), range.begin,
                                       range.end - range.begin, buffer);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(rows),
                  int(g.groupOutputs()), int(g.reduction()), 1.0F, columns,
                  int(g.reduction()),
                  weight.data() + group * g.groupOutputs() * g.reduction(),
                  int(g.reduction()), 0.0F,
                  y.data() + range.begin * g.outputSize() +
                      group * g.groupOutputs(),
                  int(g.outputs));
    }
  });
  return Status::success();
}

void FloatProducts::inputGradient(const FloatTensor &weight,
                                  const FloatTensor &dy, FloatTensor &dx,
                                  const Pass &pass) {
  const TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
  const ConvGeometry &g = geometry;
  const int64_t images = dy.extent(0);
  forEachTask(pass, numBlocks(g, images), [&](int64_t block) {
    thread_local std::vector<float> buffer;
    const TaskRange range = blockOf(g, images, block);
    const int64_t count = range.end - range.begin;
    float *target = dx.data() + range.begin * g.inputSize();
    if (!columnsAreImage(g)) {
      buffer.resize(size_t(count * g.outPixels() * g.reduction()));
      std::fill_n(target, count * g.inputSize(), 0.0F);
    }
    float *columns = columnsAreImage(g) ? target : buffer.data();
    for (int64_t group = 0; group < g.groups; ++group) {
      cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, int(count * g.outPixels()),
          int(g.reduction()), int(g.groupOutputs()), 1.0F,
          dy.data() + range.begin * g.outputSize() + group * g.groupOutputs(),
          int(g.outputs),
          weight.data() + group * g.groupOutputs() * g.reduction(),
          int(g.reduction()), 0.0F, columns, int(g.reduction()));
      for (int64_t i = 0; !columnsAreImage(g) && i < count; ++i) {
        addColumnsToImage(g, group, columns + i * g.outPixels() * g.reduction(),
                          g.reduction(), target + i * g.inputSize());
      }
    }
  });
}

void FloatProducts::weightGradient(const FloatTensor &x, const FloatTensor &dy,
                                   FloatTensor &dWeight, const Pass &pass) {
  const TimeAdder timer(seconds.products[size_t(Product::WeightGradient)]);
  const ConvGeometry &g = geometry;
  const int64_t images = dy.extent(0);
  const int64_t blocks = numBlocks(g, images);
  const int64_t parts = std::min<int64_t>(blocks, reductionParts);
  partials.resize({parts, dWeight.size()});
  forEachTask(pass, parts, [&](int64_t part) {
    thread_local std::vector<float> buffer;
    float *sum = partials.data() + part * dWeight.size();
    std::fill_n(sum, dWeight.size(), 0.0F);
    const TaskRange share = taskShare(blocks, int(part), int(parts));
    for (int64_t block = share.begin; block < share.end; ++block) {
      const TaskRange range = blockOf(g, images, block);
      const int64_t count = range.end - range.begin;
      for (int64_t group = 0; group < g.groups; ++group) {
        const float *columns =
            columnsOf(g, group, x.data(), range.begin, count, buffer);
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, int(g.groupOutputs()),
            int(g.reduction()), int(count * g.outPixels()), 1.0F,
            dy.data() + range.begin * g.outputSize() + group * g.groupOutputs(),
            int(g.outputs), columns, int(g.reduction()), 1.0F,
            sum + group * g.groupOutputs() * g.reduction(), int(g.reduction()));
      }
    }
  });
  std::copy_n(partials.data(), dWeight.size(), dWeight.data());
  for (int64_t part = 1; part < parts; ++part) {
    const float *sum = partials.data() + part * dWeight.size();
    for (int64_t i = 0; i < dWeight.size(); ++i) {
      dWeight[i] += sum[i];
    }
  }
}

Status FloatProducts::backward(const FloatTensor &x, const FloatTensor &weight,
                               const FloatTensor &dy, FloatTensor *dWeight,
                               FloatTensor *dx, const Pass &pass) {
  if (dx) {
    inputGradient(weight, dy, *dx, pass);
  }
  if (dWeight) {
    weightGradient(x, dy, *dWeight, pass);
  }
  return Status::success();
}

} // namespace lpgen::nn
