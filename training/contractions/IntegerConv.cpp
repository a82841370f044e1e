// Which algorithm computes a product, and on what.
#include "training/contractions/IntegerConv.h"
#include "training/contractions/Transpose.h"

namespace lpgen::quant {

using nn::Product;

/// dx is a convolution of dy.
static bool hasAdjoint(const ConvGeometry &g) {
  return g.stride == 1 && g.padding < g.kernel;
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
  w.visit([&]<typename T>(const T *from) {
    T *to = turned.elements<T>();
    for (int64_t group = 0; group < g.groups; ++group) {
      const int64_t base = group * outputs * taps * channels;
      for (int64_t tap = 0; tap < taps; ++tap) {
        transpose(from + base + (taps - 1 - tap) * channels, outputs, channels,
                  taps * channels, taps * outputs, to + base + tap * outputs);
      }
    }
  });
  return turned;
}

IntegerConv::Algorithm IntegerConv::plan(Product product, const ConvGeometry &g,
                                         const IntTensor &a,
                                         const IntTensor &b) const {
  const bool isWhole = sums[size_t(product)].keepsAll();
  if (product == Product::WeightGradient) {
    return isWhole && DirectConv::givesWeightGradient(g, a, b)
               ? Algorithm::Direct
               : Algorithm::Filters;
  }
  if (product == Product::InputGradient && !hasAdjoint(geometry)) {
    return Algorithm::Scatter;
  }
  return isWhole && DirectConv::convolves(g, a, b) ? Algorithm::Direct
                                                   : Algorithm::Columns;
}

std::string IntegerConv::kernelOf(Product product) const {
  const auto number = size_t(product);
  switch (last[number]) {
  case Algorithm::Direct:
    return direct[number].symbol();
  case Algorithm::Columns:
    return columns[number].symbol();
  case Algorithm::Scatter:
    return scatter.symbol();
  case Algorithm::Filters:
    return filters.symbol();
  case Algorithm::None:
    break;
  }
  return "none yet";
}

Status IntegerConv::convolve(Product product, const ConvGeometry &g,
                             const IntTensor &x, const IntTensor &w,
                             nn::FloatTensor &y,
                             const nn::StepContext &context) {
  const auto number = size_t(product);
  last[number] = plan(product, g, x, w);
  return last[number] == Algorithm::Direct
             ? direct[number].convolve(g, x, w, y, context)
             : columns[number].run(g, x, w, sums[number], y, context);
}

Status IntegerConv::forward(const IntTensor &x, const IntTensor &w,
                            nn::FloatTensor &y,
                            const nn::StepContext &context) {
  return convolve(Product::Forward, geometry, x, w, y, context);
}

Status IntegerConv::inputGradient(const IntTensor &dy, const IntTensor &w,
                                  nn::FloatTensor &dx,
                                  const nn::StepContext &context) {
  if (hasAdjoint(geometry)) {
    return convolve(Product::InputGradient, adjointOf(geometry), dy,
                    turnWeights(geometry, w), dx, context);
  }
  constexpr auto number = size_t(Product::InputGradient);
  last[number] = plan(Product::InputGradient, geometry, dy, w);
  return scatter.run(geometry, dy, w, sums[number], dx, context);
}

Status IntegerConv::weightGradient(const IntTensor &x, const IntTensor &dy,
                                   nn::FloatTensor &dw,
                                   const nn::StepContext &context) {
  constexpr auto number = size_t(Product::WeightGradient);
  last[number] = plan(Product::WeightGradient, geometry, x, dy);
  return last[number] == Algorithm::Direct
             ? direct[number].weightGradient(geometry, x, dy, dw, context)
             : filters.run(geometry, x, dy, sums[number], dw, context);
}

} // namespace lpgen::quant
