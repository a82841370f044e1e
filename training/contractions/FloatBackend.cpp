// Blocks of images as columns, one sgemm for each block and group. OpenBLAS
// runs on one thread: ours are the threads, over blocks whose number does not
// depend on that of the threads, so that neither do the results.
#include "training/contractions/FloatBackend.h"
#include "base/system/VectorClones.h"
#include "training/contractions/Columns.h"
#include <algorithm>
#include <cblas.h>

namespace lpgen::nn {

FloatBackend::FloatBackend(const ConvGeometry &geometry) : geometry(geometry) {
  openblas_set_num_threads(1);
}

BackendReport FloatBackend::report() const {
  BackendReport report = startReport();
  report.implementations.fill(accumulators ? "emulated accumulator"
                                           : std::string("OpenBLAS sgemm, ") +
                                                 openblas_get_corename());
  for (size_t i = 0; accumulators && i < accumulators->size(); ++i) {
    report.accumulators.push_back({(*accumulators)[i].mantissaBits});
  }
  return report;
}

namespace {
/// c[m, n] = a[m, k] b[k, n], or added to c; rows of c are cStride apart.
struct MatrixProduct {
  enum class Form { AB, ABt, AtB }; ///< Which operand is stored transposed.
  Form form;
  int64_t m, n, k;
  const float *a;
  int64_t aStride;
  const float *b;
  int64_t bStride;
  float *c;
  int64_t cStride;
  bool isAdded = false;
};
} // namespace

/// sums[j] + a * row[j], by a narrow adder.
LPGEN_VECTOR_CLONES
static void addProducts(float a, const float *row, int64_t n,
                        const FloatAccumulator &accumulator, float *sums) {
  const int bits = accumulator.mantissaBits;
  const int productBits = accumulator.productMantissaBits;
  if (accumulator.adder == FloatAccumulator::Adder::Truncating) {
    for (int64_t j = 0; j < n; ++j) {
      sums[j] =
          addTruncating(sums[j], roundMantissa(a * row[j], productBits), bits);
    }
  } else {
    for (int64_t j = 0; j < n; ++j) {
      sums[j] =
          roundMantissa(sums[j] + roundMantissa(a * row[j], productBits), bits);
    }
  }
}

/// Term by term, in order.
static void multiplyNarrow(const MatrixProduct &p,
                           const FloatAccumulator &accumulator) {
  using Form = MatrixProduct::Form;
  std::vector<float> b(size_t(p.k * p.n)); // [k, n]
  for (int64_t k = 0; k < p.k; ++k) {
    for (int64_t j = 0; j < p.n; ++j) {
      b[size_t(k * p.n + j)] =
          p.form == Form::ABt ? p.b[j * p.bStride + k] : p.b[k * p.bStride + j];
    }
  }
  const int64_t chunk = accumulator.chunk > 0 ? accumulator.chunk : p.k;
  std::vector<float> apart(static_cast<size_t>(p.n));
  for (int64_t i = 0; i < p.m; ++i) {
    float *sums = p.c + i * p.cStride;
    if (!p.isAdded) {
      std::fill_n(sums, p.n, 0.0F);
    }
    for (int64_t begin = 0; begin < p.k; begin += chunk) {
      float *to = accumulator.chunk > 0 ? apart.data() : sums;
      if (accumulator.chunk > 0) {
        std::ranges::fill(apart, 0.0F);
      }
      for (int64_t k = begin; k < std::min(begin + chunk, p.k); ++k) {
        const float a = p.form == Form::AtB ? p.a[k * p.aStride + i]
                                            : p.a[i * p.aStride + k];
        if (a == 0.0F) {
          continue; // Adding 0 changes no sum.
        }
        addProducts(a, b.data() + k * p.n, p.n, accumulator, to);
      }
      for (int64_t j = 0; accumulator.chunk > 0 && j < p.n; ++j) {
        sums[j] = addNarrow(sums[j], apart[size_t(j)], accumulator);
      }
    }
  }
}

static void multiply(const MatrixProduct &p,
                     const FloatAccumulator *accumulator) {
  using Form = MatrixProduct::Form;
  if (accumulator) {
    multiplyNarrow(p, *accumulator);
    return;
  }
  cblas_sgemm(CblasRowMajor, p.form == Form::AtB ? CblasTrans : CblasNoTrans,
              p.form == Form::ABt ? CblasTrans : CblasNoTrans, int(p.m),
              int(p.n), int(p.k), 1.0F, p.a, int(p.aStride), p.b,
              int(p.bStride), p.isAdded ? 1.0F : 0.0F, p.c, int(p.cStride));
}

namespace {
/// An image to which terms are added by a narrow adder.
struct NarrowImage {
  struct Element {
    float &sum;
    const FloatAccumulator &accumulator;
    void operator+=(float term) { sum = addNarrow(sum, term, accumulator); }
  };
  Element operator[](int64_t i) const { return {data[i], accumulator}; }

  float *data;
  const FloatAccumulator &accumulator;
};
} // namespace

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

Status FloatBackend::forward(const FloatTensor &x, const FloatTensor &weight,
                             FloatTensor &y, const StepContext &context) {
  const TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  const ConvGeometry &g = geometry;
  const int64_t images = x.extent(0);
  assert(x.size() == images * g.inputSize() && "input of another shape");
  forEachTask(context, numBlocks(g, images), [&](int64_t block) {
    thread_local std::vector<float> buffer;
    const TaskRange range = blockOf(g, images, block);
    const int64_t rows = (range.end - range.begin) * g.outPixels();
    for (int64_t group = 0; group < g.groups; ++group) {
      const float *columns = columnsOf(g, group, x.data(), range.begin,
                                       range.end - range.begin, buffer);
      multiply(
          {MatrixProduct::Form::ABt, rows, g.groupOutputs(), g.reduction(),
           columns, g.reduction(),
           weight.data() + group * g.groupOutputs() * g.reduction(),
           g.reduction(),
           y.data() + range.begin * g.outputSize() + group * g.groupOutputs(),
           g.outputs},
          accumulatorOf(Product::Forward));
    }
  });
  return Status::success();
}

void FloatBackend::inputGradient(const FloatTensor &weight,
                                 const FloatTensor &dy, FloatTensor &dx,
                                 const StepContext &context) {
  const TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
  const ConvGeometry &g = geometry;
  const int64_t images = dy.extent(0);
  const FloatAccumulator *accumulator = accumulatorOf(Product::InputGradient);
  forEachTask(context, numBlocks(g, images), [&](int64_t block) {
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
      multiply(
          {MatrixProduct::Form::AB, count * g.outPixels(), g.reduction(),
           g.groupOutputs(),
           dy.data() + range.begin * g.outputSize() + group * g.groupOutputs(),
           g.outputs, weight.data() + group * g.groupOutputs() * g.reduction(),
           g.reduction(), columns, g.reduction()},
          accumulator);
      for (int64_t i = 0; !columnsAreImage(g) && i < count; ++i) {
        const float *from = columns + i * g.outPixels() * g.reduction();
        float *to = target + i * g.inputSize();
        if (accumulator) {
          addColumnsToImage(g, group, from, g.reduction(),
                            NarrowImage{to, *accumulator});
        } else {
          addColumnsToImage(g, group, from, g.reduction(), to);
        }
      }
    }
  });
}

void FloatBackend::weightGradient(const FloatTensor &x, const FloatTensor &dy,
                                  FloatTensor &dWeight,
                                  const StepContext &context) {
  const TimeAdder timer(seconds.products[size_t(Product::WeightGradient)]);
  const ConvGeometry &g = geometry;
  const int64_t images = dy.extent(0);
  const int64_t blocks = numBlocks(g, images);
  const FloatAccumulator *accumulator = accumulatorOf(Product::WeightGradient);
  // A narrow accumulator takes all terms in one sum.
  const int64_t parts =
      accumulator ? 1 : std::min<int64_t>(blocks, reductionParts);
  partials.resize({parts, dWeight.size()});
  forEachTask(context, parts, [&](int64_t part) {
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
        multiply({MatrixProduct::Form::AtB, g.groupOutputs(), g.reduction(),
                  count * g.outPixels(),
                  dy.data() + range.begin * g.outputSize() +
                      group * g.groupOutputs(),
                  g.outputs, columns, g.reduction(),
                  sum + group * g.groupOutputs() * g.reduction(), g.reduction(),
                  true},
                 accumulator);
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

Status FloatBackend::backward(const FloatTensor &x, const FloatTensor &weight,
                              const FloatTensor &dy, FloatTensor *dWeight,
                              FloatTensor *dx, const StepContext &context) {
  if (dx) {
    inputGradient(weight, dy, *dx, context);
  }
  if (dWeight) {
    weightGradient(x, dy, *dWeight, context);
  }
  return Status::success();
}

} // namespace lpgen::nn
