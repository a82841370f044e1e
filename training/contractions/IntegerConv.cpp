// Matrices for the kernels out of images, and images out of their sums.
#include "training/contractions/IntegerConv.h"
#include "training/contractions/Blocks.h"
#include <atomic>

namespace lpgen::quant {

using nn::Product;

std::string IntegerConv::kernelOf(Product product) const {
  if (isDirect[size_t(product)]) {
    return direct[size_t(product)].symbol();
  }
  const auto &gemm = gemms[size_t(product)];
  return gemm ? gemm->symbol() : "none yet";
}

Result<IntegerGemm *> IntegerConv::gemmFor(Product product,
                                           const GemmShape &shape,
                                           const nn::StepContext &context) {
  std::unique_ptr<IntegerGemm> &gemm = gemms[size_t(product)];
  const int workers = context.pool ? context.pool->numWorkers() : 1;
  if (!gemm || !gemm->isFor(shape, workers)) {
    Result<std::unique_ptr<IntegerGemm>> made =
        IntegerGemm::create(shape, workers, *kernels);
    LPGEN_RETURN_IF_ERROR(made.status());
    gemm = std::move(*made);
  }
  return gemm.get();
}

/// A vector of a worker for elements of T, kept from call to call.
template <typename T>
static T *workerMemory(int64_t size) {
  thread_local std::vector<T> memory;
  if (memory.size() < size_t(size)) {
    memory.resize(size_t(size));
  }
  return memory.data();
}

/// y[i] = sums[i] * scale, rows of `columns` elements `stride` apart in y.
template <typename Sum>
void IntegerConv::storeRows(Product product, const Sum *sums, int64_t rows,
                            int64_t columns, float scale, int64_t stride,
                            float *y) {
  const bool isWhole = keepsWholeSums(product);
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const Sum *from = sums + row * columns;
    float *to = y + row * stride;
    for (int64_t c = 0; isWhole && c < columns; ++c) {
      to[c] = float(from[c]) * scale;
    }
    for (int64_t c = 0; !isWhole && c < columns; ++c) {
      to[c] = float(keepBits(product, from[c], count)) * scale;
    }
  }
  if (count > 0) { // Workers store at once.
    std::atomic_ref(wrapped[size_t(product)]) += count;
  }
}

Status IntegerConv::convolve(Product product, const ConvGeometry &g,
                             const IntTensor &x, const IntTensor &w,
                             nn::FloatTensor &y,
                             const nn::StepContext &context) {
  bool &takesImages = isDirect[size_t(product)];
  takesImages = keepsWholeSums(product) && DirectConv::convolves(g, x, w);
  return takesImages ? direct[size_t(product)].convolve(g, x, w, y, context)
                     : convolveColumns(product, g, x, w, y, context);
}

Status IntegerConv::convolveColumns(Product product, const ConvGeometry &g,
                                    const IntTensor &x, const IntTensor &w,
                                    nn::FloatTensor &y,
                                    const nn::StepContext &context) {
  const Result<IntegerGemm *> gemm =
      gemmFor(product,
              {x.max(), w.max(), g.imagesPerBlock() * g.outPixels(),
               g.groupOutputs(), g.reduction()},
              context);
  LPGEN_RETURN_IF_ERROR(gemm.status());
  packed.resize(size_t(g.groups));
  for (int64_t group = 0; group < g.groups; ++group) {
    LPGEN_RETURN_IF_ERROR(w.visit([&](const auto *q) {
      return (*gemm)->pack(q + group * g.groupOutputs() * g.reduction(),
                           packed[size_t(group)], 0);
    }));
  }
  const float scale = x.scale() * w.scale();
  const auto block = [&]<typename T>(const T *q, int worker,
                                     ImageRange images) -> Status {
    const int64_t count = images.end - images.begin;
    const int64_t rows = count * g.outPixels();
    const bool isDense =
        g.kernel == 1 && g.stride == 1 && g.padding == 0 && g.groups == 1;
    T *columns = isDense ? nullptr : workerMemory<T>(rows * g.reduction());
    for (int64_t group = 0; group < g.groups; ++group) {
      const T *first = q + images.begin * g.inputSize();
      for (int64_t i = 0; !isDense && i < count; ++i) {
        nn::imageToColumns(g, group, first + i * g.inputSize(), g.reduction(),
                           columns + i * g.outPixels() * g.reduction());
      }
      LPGEN_RETURN_IF_ERROR((*gemm)->multiply(isDense ? first : columns, rows,
                                              packed[size_t(group)], worker));
      (*gemm)->visitSums(worker, [&](const auto *sums) {
        storeRows(product, sums, rows, g.groupOutputs(), scale, g.outputs,
                  y.data() + images.begin * g.outputSize() +
                      group * g.groupOutputs());
      });
    }
    return Status::success();
  };
  return forEachBlock(
      g, x.size() / g.inputSize(), context, [&](int worker, ImageRange images) {
        return x.visit([&](const auto *q) { return block(q, worker, images); });
      });
}

Status IntegerConv::forward(const IntTensor &x, const IntTensor &w,
                            nn::FloatTensor &y,
                            const nn::StepContext &context) {
  return convolve(Product::Forward, geometry, x, w, y, context);
}

/// The convolution of dy that yields dx: outputs and channels change places,
/// and a border that a filter can reach from inside is added.
static ConvGeometry adjointOf(const ConvGeometry &g) {
  ConvGeometry adjoint = g;
  adjoint.height = g.outHeight();
  adjoint.width = g.outWidth();
  adjoint.channels = g.outputs;
  adjoint.outputs = g.channels;
  adjoint.padding = g.kernel - 1 - g.padding;
  return adjoint;
}

/// Weights [groups, outputs, kernel, kernel, channels] for the adjoint:
/// [groups, channels, kernel, kernel, outputs], filters turned by 180 degrees.
static IntTensor turnWeights(const ConvGeometry &g, const IntTensor &w) {
  IntTensor turned;
  turned.reset(w.size(), w.max(), w.scale());
  const int64_t taps = g.kernel * g.kernel;
  const int64_t channels = g.groupChannels();
  const int64_t outputs = g.groupOutputs();
  const auto turn = [&]<typename T>(const T *from, T *to) {
    for (int64_t group = 0; group < g.groups; ++group) {
      const int64_t base = group * outputs * taps * channels;
      for (int64_t tap = 0; tap < taps; ++tap) {
        transpose(from + base + (taps - 1 - tap) * channels, outputs, channels,
                  taps * channels, taps * outputs, to + base + tap * outputs);
      }
    }
  };
  turned.visit([&](auto *to) {
    w.visit([&](const auto *from) {
      if constexpr (std::is_same_v<
                        decltype(*from),
                        const std::remove_reference_t<decltype(*to)> &>) {
        turn(from, to);
      }
    });
  });
  return turned;
}

Status IntegerConv::inputGradient(const IntTensor &dy, const IntTensor &w,
                                  nn::FloatTensor &dx,
                                  const nn::StepContext &context) {
  if (geometry.stride == 1 && geometry.padding < geometry.kernel) {
    return convolve(Product::InputGradient, adjointOf(geometry), dy,
                    turnWeights(geometry, w), dx, context);
  }
  return scatteredInputGradient(dy, w, dx, context);
}

Status IntegerConv::scatteredInputGradient(const IntTensor &dy,
                                           const IntTensor &w,
                                           nn::FloatTensor &dx,
                                           const nn::StepContext &context) {
  const ConvGeometry &g = geometry;
  const int64_t blockRows = g.imagesPerBlock() * g.outPixels();
  const Result<IntegerGemm *> gemm = gemmFor(
      Product::InputGradient,
      {dy.max(), w.max(), blockRows, g.reduction(), g.groupOutputs()}, context);
  LPGEN_RETURN_IF_ERROR(gemm.status());
  packed.resize(size_t(g.groups));
  for (int64_t group = 0; group < g.groups; ++group) {
    LPGEN_RETURN_IF_ERROR(w.visit([&]<typename T>(const T *q) {
      std::vector<T> turned(size_t(g.groupOutputs() * g.reduction()));
      transpose(q + group * g.groupOutputs() * g.reduction(), g.groupOutputs(),
                g.reduction(), g.reduction(), g.groupOutputs(), turned.data());
      return (*gemm)->pack(turned.data(), packed[size_t(group)], 0);
    }));
  }
  const float scale = dy.scale() * w.scale();
  const auto block = [&]<typename T>(const T *q, int worker,
                                     ImageRange images) -> Status {
    const int64_t count = images.end - images.begin;
    const int64_t rows = count * g.outPixels();
    int64_t *image = workerMemory<int64_t>(count * g.inputSize());
    std::fill_n(image, count * g.inputSize(), 0);
    T *dense = workerMemory<T>(rows * g.groupOutputs());
    for (int64_t group = 0; group < g.groups; ++group) {
      const T *from =
          q + images.begin * g.outputSize() + group * g.groupOutputs();
      for (int64_t row = 0; row < rows; ++row) {
        std::copy_n(from + row * g.outputs, g.groupOutputs(),
                    dense + row * g.groupOutputs());
      }
      LPGEN_RETURN_IF_ERROR(
          (*gemm)->multiply(dense, rows, packed[size_t(group)], worker));
      (*gemm)->visitSums(worker, [&](const auto *sums) {
        for (int64_t i = 0; i < count; ++i) {
          nn::addColumnsToImage(g, group,
                                sums + i * g.outPixels() * g.reduction(),
                                g.reduction(), image + i * g.inputSize());
        }
      });
    }
    storeRows(Product::InputGradient, image, 1, count * g.inputSize(), scale, 0,
              dx.data() + images.begin * g.inputSize());
    return Status::success();
  };
  return forEachBlock(g, dy.size() / g.outputSize(), context,
                      [&](int worker, ImageRange images) {
                        return dy.visit([&](const auto *q) {
                          return block(q, worker, images);
                        });
                      });
}

namespace {
/// The matrices of one block for the weight gradient of one group.
template <typename X, typename Y>
struct GradientMatrices {
  std::vector<X> planes;  ///< One image as [channels, height, width].
  std::vector<X> columns; ///< [taps, pixels of the block]
  std::vector<Y> outputs; ///< [outputs, pixels of the block]

  void fill(const ConvGeometry &g, int64_t group, const X *x, const Y *dy,
            ImageRange images) {
    const int64_t pixels = g.imagesPerBlock() * g.outPixels();
    const int64_t count = images.end - images.begin;
    columns.resize(size_t(g.reduction() * pixels));
    outputs.resize(size_t(g.groupOutputs() * pixels));
    planes.resize(size_t(g.inputSize()));
    if (count < g.imagesPerBlock()) {
      std::fill(columns.begin(), columns.end(), X(0));
      std::fill(outputs.begin(), outputs.end(), Y(0));
    }
    for (int64_t i = 0; i < count; ++i) {
      const int64_t image = images.begin + i;
      transpose(x + image * g.inputSize(), g.height * g.width, g.channels,
                g.channels, g.height * g.width, planes.data());
      planesToTransposedColumns(g, group, planes.data(), pixels,
                                columns.data() + i * g.outPixels());
      transpose(dy + image * g.outputSize() + group * g.groupOutputs(),
                g.outPixels(), g.groupOutputs(), g.outputs, pixels,
                outputs.data() + i * g.outPixels());
    }
  }
};
} // namespace

Status IntegerConv::weightGradient(const IntTensor &x, const IntTensor &dy,
                                   nn::FloatTensor &dw,
                                   const nn::StepContext &context) {
  const ConvGeometry &g = geometry;
  constexpr auto number = size_t(Product::WeightGradient);
  isDirect[number] = keepsWholeSums(Product::WeightGradient) &&
                     DirectConv::givesWeightGradient(g, x, dy);
  if (isDirect[number]) {
    return direct[number].weightGradient(g, x, dy, dw, context);
  }
  const Result<IntegerGemm *> gemm =
      gemmFor(Product::WeightGradient,
              {x.max(), dy.max(), g.reduction(), g.groupOutputs(),
               g.imagesPerBlock() * g.outPixels()},
              context);
  LPGEN_RETURN_IF_ERROR(gemm.status());
  const int workers = context.pool ? context.pool->numWorkers() : 1;
  // Sums of integers: whoever adds them in whatever order, they are the same.
  std::vector<std::vector<int64_t>> totals(static_cast<size_t>(workers));
  const auto block = [&]<typename X, typename Y>(const X *qx, const Y *qy,
                                                 int worker,
                                                 ImageRange images) -> Status {
    thread_local GradientMatrices<X, Y> matrices;
    thread_local PackedWeights outputs;
    std::vector<int64_t> &total = totals[size_t(worker)];
    total.resize(size_t(dw.size()));
    for (int64_t group = 0; group < g.groups; ++group) {
      matrices.fill(g, group, qx, qy, images);
      LPGEN_RETURN_IF_ERROR(
          (*gemm)->pack(matrices.outputs.data(), outputs, worker));
      LPGEN_RETURN_IF_ERROR((*gemm)->multiply(matrices.columns.data(),
                                              g.reduction(), outputs, worker));
      (*gemm)->visitSums(worker, [&](const auto *sums) {
        const int64_t size = g.groupOutputs() * g.reduction();
        int64_t *to = total.data() + group * size;
        for (int64_t i = 0; i < size; ++i) {
          to[i] += sums[i];
        }
      });
    }
    return Status::success();
  };
  LPGEN_RETURN_IF_ERROR(forEachBlock(g, dy.size() / g.outputSize(), context,
                                     [&](int worker, ImageRange images) {
                                       return x.visit([&](const auto *qx) {
                                         return dy.visit([&](const auto *qy) {
                                           return block(qx, qy, worker, images);
                                         });
                                       });
                                     }));
  // The sums are [groups, taps, outputs].
  const float scale = x.scale() * dy.scale();
  for (int64_t i = 0; i < dw.size(); ++i) {
    const int64_t o = i / g.reduction() % g.groupOutputs();
    const int64_t group = i / g.reduction() / g.groupOutputs();
    const int64_t k = i % g.reduction();
    int64_t sum = 0;
    for (const std::vector<int64_t> &total : totals) {
      sum += total.empty()
                 ? 0
                 : total[size_t((group * g.reduction() + k) * g.groupOutputs() +
                                o)];
    }
    dw[i] = float(keepBits(Product::WeightGradient, sum,
                           wrapped[size_t(Product::WeightGradient)])) *
            scale;
  }
  return Status::success();
}

} // namespace lpgen::quant
