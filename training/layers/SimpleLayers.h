// Layers without parameters: relu, pooling, flatten, the shortcut of a residual
// block that changes shape.
#ifndef LPGEN_TRAINING_LAYERS_SIMPLELAYERS_H
#define LPGEN_TRAINING_LAYERS_SIMPLELAYERS_H

#include "training/layers/Layer.h"

namespace lpgen::nn {

/// y = max(x, 0), derivative 0 at 0.
class Relu : public Layer {
public:
  using Layer::Layer;
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  const FloatTensor *input = nullptr;
};

/// Windows of kernel x kernel pixels, without padding; NHWC.
class Pool : public Layer {
public:
  enum class Kind {
    Max,    ///< Gradient to the first greatest element.
    Average ///< Mean of the window.
  };
  Pool(std::string name, Kind kind, int64_t kernel, int64_t stride)
      : Layer(std::move(name)), kind(kind), kernel(kernel), stride(stride) {}
  Kind poolKind() const { return kind; }
  int64_t kernelSize() const { return kernel; }
  int64_t strideSize() const { return stride; }
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  void forwardPixel(const float *window, int64_t width, int64_t channels,
                    float *y, int32_t *winner) const;

  Kind kind;
  int64_t kernel;
  int64_t stride;
  std::vector<int64_t> inputShape;
  std::vector<int32_t> winners; ///< Offset in the window, for each output.
};

/// [N, ...] to [N, product].
class Flatten : public Layer {
public:
  using Layer::Layer;
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  std::vector<int64_t> inputShape;
};

/// Every `stride`-th pixel, and zeros for channels beyond those of x: the
/// parameterless shortcut of He et al. 2016, option A.
class PaddedShortcut : public Layer {
public:
  PaddedShortcut(std::string name, int64_t stride, int64_t outputs)
      : Layer(std::move(name)), stride(stride), outputs(outputs) {}
  Status forward(const FloatTensor &x, FloatTensor &y,
                 const StepContext &context) override;
  Status backward(const FloatTensor &dy, FloatTensor &dx,
                  const StepContext &context) override;
  Status describe(networks::NetworkSink &network) const override;

private:
  int64_t stride;
  int64_t outputs;
  std::vector<int64_t> inputShape;
};

} // namespace lpgen::nn

#endif // LPGEN_TRAINING_LAYERS_SIMPLELAYERS_H
