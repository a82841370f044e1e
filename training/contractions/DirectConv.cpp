// Blocks of images for the kernels of ConvOperator.
#include "training/contractions/DirectConv.h"
#include "operators/builder/GemmOperator.h"
#include "training/contractions/Columns.h"
#include "training/contractions/Transpose.h"
#include <bit>
#include <utility>

namespace lpgen::quant {

/// Fewer channels leave the groups of a packed kernel mostly empty: then the
/// taps of a pixel are laid side by side, as the channels of a 1x1 filter.
static constexpr int64_t leastChannels = 8;
/// Bytes of both operands of a block of the weight gradient, which should stay
/// in the second-level cache (1 MiB on Zen 4).
static constexpr int64_t gradientBlockBytes = int64_t{768} << 10;

static bool takesColumns(const ConvGeometry &g) {
  return g.channels < leastChannels && g.kernel > 1;
}

/// The 1x1 filter over the columns.
static ConvGeometry overColumns(const ConvGeometry &g) {
  return {.height = g.outHeight(),
          .width = g.outWidth(),
          .channels = g.reduction(),
          .outputs = g.outputs};
}

/// The forward product by a kernel, of `images` images at a time.
static ConvSpec forwardSpec(const ConvGeometry &g, const IntTensor &x,
                            const IntTensor &w) {
  return {.xMin = x.lowest(),
          .xMax = x.max(),
          .wMax = w.max(),
          .images = g.imagesPerBlock(),
          .geometry = takesColumns(g) ? overColumns(g) : g};
}

/// What the kernel takes for images [begin, end) of x: the images, or their
/// columns in `columns`.
static const int8_t *forwardOperand(const ConvGeometry &g, const IntTensor &x,
                                    ImageRange images,
                                    std::vector<int8_t> &columns) {
  const int8_t *first = x.bytes() + images.begin * g.inputSize();
  if (!takesColumns(g)) {
    return first;
  }
  const int64_t size = g.outPixels() * g.reduction();
  const int64_t count = images.end - images.begin;
  columns.resize(size_t(count * size));
  for (int64_t i = 0; i < count; ++i) {
    nn::imageToColumnsByTap(g, first + i * g.inputSize(), {g.channels, 1},
                            columns.data() + i * size, {g.reduction(), 1});
  }
  return columns.data();
}

bool DirectConv::convolves(const ConvGeometry &g, const IntTensor &x,
                           const IntTensor &w) {
  return g.groups == 1 && x.isNarrow() && w.isNarrow() &&
         g.reduction() <= GemmSpec::maxReduction(x.max(), w.max());
}

Status DirectConv::prepare(const ConvSpec &wanted, bool isForward,
                           const nn::StepContext &context) {
  const auto count = size_t(nn::numWorkers(context));
  if (spec == wanted && workers.size() == count) {
    return Status::success();
  }
  workers.clear();
  const Result<const lp_kernel *> kernel =
      isForward ? kernels->find(forwardOperatorName(wanted),
                                forwardOperatorText(wanted))
                : kernels->find(weightGradientOperatorName(wanted),
                                weightGradientOperatorText(wanted));
  LPGEN_RETURN_IF_ERROR(kernel.status());
  for (size_t i = 0; i < count; ++i) {
    Result<KernelRunner> runner = KernelRunner::create(**kernel);
    LPGEN_RETURN_IF_ERROR(runner.status());
    workers.emplace_back().runner =
        std::make_unique<KernelRunner>(std::move(*runner));
  }
  kernelSymbol = (*kernel)->symbol;
  spec = wanted;
  return Status::success();
}

/// A logical operand as the kernel wants it: packed into `packed`, or itself.
static Result<const void *> packedOperand(const KernelRunner &runner,
                                          int64_t images, const void *logical,
                                          AlignedBytes &packed) {
  const std::array<int64_t, 1> sizes = {images};
  const std::span<const int64_t> given(sizes.data(),
                                       size_t(runner.kernel().num_sizes));
  if (!runner.isPacked(1, given)) {
    return logical;
  }
  LPGEN_RETURN_IF_ERROR(runner.packInto(1, given, logical, packed));
  return static_cast<const void *>(packed.data());
}

/// Kernels have one array for inputs and outputs; inputs are read only.
static void *readOnly(const void *input) { return const_cast<void *>(input); }

Status DirectConv::convolve(const ConvGeometry &g, const IntTensor &x,
                            const IntTensor &w, nn::FloatTensor &y,
                            const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(prepare(forwardSpec(g, x, w), true, context));
  const Result<const void *> filters =
      packedOperand(*workers[0].runner, spec.images, w.bytes(), weights);
  LPGEN_RETURN_IF_ERROR(filters.status());
  float scale = x.scale() * w.scale();
  return forEachBatchBlock(
      g, x.size() / g.inputSize(), context,
      [&](int worker, ImageRange images) -> Status {
        Worker &own = workers[size_t(worker)];
        const int64_t count = images.end - images.begin;
        const std::array<void *, 4> buffers = {
            readOnly(forwardOperand(g, x, images, own.columns)),
            readOnly(*filters), &scale,
            y.data() + images.begin * g.outputSize()};
        return own.runner->run(buffers, std::array{count});
      });
}

/// Images of a block of the weight gradient, so that memory suffices and few
/// places stay empty; a power of two.
static int64_t gradientImages(const ConvGeometry &g, int64_t images) {
  const int64_t inputBytes =
      takesColumns(g) ? g.outPixels() * g.reduction() : g.inputSize();
  const int64_t most = gradientBlockBytes / (inputBytes + g.outputSize());
  const auto fitting =
      int64_t(std::bit_floor(uint64_t(std::max<int64_t>(most, 1))));
  const auto needed = int64_t(std::bit_ceil(uint64_t(images)));
  return std::max<int64_t>(std::min({fitting, needed, int64_t{128}}), 4);
}

/// Columns are the second operand of the kernel, whose rows are then the
/// outputs: what packing sums up for signed x is less that way.
static ConvSpec gradientSpec(const ConvGeometry &g, const IntTensor &x,
                             const IntTensor &dy) {
  const int64_t images = gradientImages(g, x.size() / g.inputSize());
  if (!takesColumns(g)) {
    return {.xMin = x.lowest(),
            .xMax = x.max(),
            .wMax = dy.max(),
            .images = images,
            .geometry = g};
  }
  ConvGeometry swapped = overColumns(g);
  std::swap(swapped.channels, swapped.outputs);
  return {.xMin = dy.lowest(),
          .xMax = dy.max(),
          .wMax = x.max(),
          .images = images,
          .geometry = swapped};
}

bool DirectConv::givesWeightGradient(const ConvGeometry &g, const IntTensor &x,
                                     const IntTensor &dy) {
  return g.groups == 1 && x.isNarrow() && dy.isNarrow() &&
         gradientSpec(g, x, dy).gradientTerms() <=
             GemmSpec::maxReduction(x.max(), dy.max());
}

/// `count` images of `size` bytes each as [size, capacity]; places without an
/// image are 0.
static void imagesInnermost(const int8_t *from, int64_t size, int64_t count,
                            int64_t capacity, std::vector<int8_t> &to) {
  to.resize(size_t(size * capacity));
  if (count < capacity) {
    std::ranges::fill(to, int8_t(0));
  }
  transpose(from, count, size, size, capacity, to.data());
}

/// The columns of images that lie innermost, `images` of them.
static void columnsOfInnermost(ConvGeometry g, int64_t images,
                               const std::vector<int8_t> &from,
                               std::vector<int8_t> &to) {
  g.channels *= images;
  to.resize(size_t(g.outPixels() * g.reduction()));
  nn::imageToColumns(g, 0, from.data(), g.reduction(), to.data());
}

/// Adds the sums of a block to those of the worker.
Status DirectConv::addBlock(const ConvGeometry &g, const IntTensor &x,
                            const IntTensor &dy, ImageRange images,
                            Worker &worker) {
  const int64_t count = images.end - images.begin;
  imagesInnermost(x.bytes() + images.begin * g.inputSize(), g.inputSize(),
                  count, spec.images, worker.x);
  imagesInnermost(dy.bytes() + images.begin * g.outputSize(), g.outputSize(),
                  count, spec.images, worker.dy);
  int8_t *first = worker.x.data();
  int8_t *second = worker.dy.data();
  if (takesColumns(g)) {
    columnsOfInnermost(g, spec.images, worker.x, worker.columns);
    first = worker.dy.data();
    second = worker.columns.data();
  }
  const Result<const void *> packed =
      packedOperand(*worker.runner, spec.images, second, worker.packed);
  LPGEN_RETURN_IF_ERROR(packed.status());
  worker.y.resize(size_t(g.reduction() * g.outputs));
  const std::array<void *, 3> buffers = {first, readOnly(*packed),
                                         worker.y.data()};
  LPGEN_RETURN_IF_ERROR(worker.runner->run(buffers, {}));
  for (size_t i = 0; i < worker.y.size(); ++i) {
    worker.sums[i] += worker.y[i];
  }
  return Status::success();
}

Status DirectConv::weightGradient(const ConvGeometry &g, const IntTensor &x,
                                  const IntTensor &dy, nn::FloatTensor &dw,
                                  const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(prepare(gradientSpec(g, x, dy), false, context));
  for (Worker &worker : workers) {
    worker.sums.assign(size_t(dw.size()), 0);
  }
  LPGEN_RETURN_IF_ERROR(forEachBatchBlock(
      spec.images, x.size() / g.inputSize(), context,
      [&](int worker, ImageRange images) {
        return addBlock(g, x, dy, images, workers[size_t(worker)]);
      }));
  // Of integers: the order does not matter.
  std::vector<int64_t> &total = workers[0].sums;
  for (size_t i = 1; i < workers.size(); ++i) {
    for (size_t k = 0; k < total.size(); ++k) {
      total[k] += workers[i].sums[k];
    }
  }
  const float scale = x.scale() * dy.scale();
  for (int64_t o = 0; o < g.outputs; ++o) {
    for (int64_t k = 0; k < g.reduction(); ++k) {
      const int64_t from =
          takesColumns(g) ? o * g.reduction() + k : k * g.outputs + o;
      dw[o * g.reduction() + k] = float(total[size_t(from)]) * scale;
    }
  }
  return Status::success();
}

} // namespace lpgen::quant
