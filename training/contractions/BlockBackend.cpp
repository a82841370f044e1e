// Blocks are copied to dense tensors, multiplied, and added where they belong.
#include "training/contractions/BlockBackend.h"
#include "training/contractions/TimedQuantizer.h"
#include <algorithm>

namespace lpgen::quant {

using nn::Product;

static std::vector<TaskRange> cut(int64_t channels, int64_t blockSize) {
  std::vector<TaskRange> groups;
  for (int64_t begin = 0; begin < channels; begin += blockSize) {
    groups.push_back({begin, std::min(begin + blockSize, channels)});
  }
  return groups;
}

static std::string numbered(const std::string &tensor,
                            const std::vector<int> &numbers) {
  std::string text = tensor + "[";
  for (size_t i = 0; i < numbers.size(); ++i) {
    text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
  }
  return text + "]";
}

BlockBackend::BlockBackend(const nn::LayerSpec &layer,
                           const BlockOptions &options, KernelProvider &kernels)
    : name(layer.name), geometry(layer.geometry),
      inputGroups(cut(geometry.channels, options.blockSize)),
      outputGroups(cut(geometry.outputs, options.blockSize)), options(options) {
  assert(geometry.groups == 1 && "blocks of a layer of one group");
  for (int g = 0; g < numInputs(); ++g) {
    addBlock(numbered(name + ".input", {g}), Rounding::Nearest);
  }
  for (int g = 0; g < numInputs(); ++g) {
    for (int h = 0; h < numOutputs(); ++h) {
      addBlock(numbered(name + ".weight", {g, h}), Rounding::Nearest);
      ConvGeometry part = geometry;
      part.channels = inputGroups[size_t(g)].size();
      part.outputs = outputGroups[size_t(h)].size();
      convs.emplace_back(part, kernels);
    }
  }
  for (int h = 0; h < numOutputs(); ++h) {
    addBlock(numbered(name + ".gradient", {h}), Rounding::Stochastic);
  }
}

void BlockBackend::addBlock(const std::string &tensor, Rounding rounding) {
  blocks.push_back({BlockQuantizer(tensor, options.startBits, rounding,
                                   options.statisticsPeriod),
                    {}});
}

void BlockBackend::gather(const float *from, int64_t rows, int64_t rowLength,
                          int64_t begin, int64_t length, float *to) {
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(from + row * rowLength + begin, length, to + row * length);
  }
}

/// to[row, begin ..) += from[row, 0 .. length)
static void scatterAdd(const float *from, int64_t rows, int64_t rowLength,
                       int64_t begin, int64_t length, float *to) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < length; ++i) {
      to[row * rowLength + begin + i] += from[row * length + i];
    }
  }
}

/// The columns of the rows as integers of the block's width.
Status BlockBackend::quantizeBlock(Block &block, const nn::FloatTensor &x,
                                   int64_t rows, int64_t rowLength,
                                   Group columns,
                                   const nn::StepContext &context) {
  {
    const nn::TimeAdder timer(seconds.quantize);
    part.resize({rows, columns.size()});
    gather(x.data(), rows, rowLength, columns.begin, columns.size(),
           part.data());
  }
  return quantizeTimed(block.quantizer, part, context, block.q, seconds);
}

Status BlockBackend::quantizeWeights(const nn::FloatTensor &weight,
                                     const nn::StepContext &context) {
  // The filters of an output group are rows [outputs, taps] of channels.
  const int64_t taps = geometry.kernel * geometry.kernel;
  nn::FloatTensor filters;
  for (int h = 0; h < numOutputs(); ++h) {
    const Group outputs = outputGroups[size_t(h)];
    const int64_t rows = outputs.size() * taps;
    filters.resize({rows, geometry.channels});
    std::copy_n(weight.data() + outputs.begin * taps * geometry.channels,
                filters.size(), filters.data());
    for (int g = 0; g < numInputs(); ++g) {
      LPGEN_RETURN_IF_ERROR(quantizeBlock(weightBlock(g, h), filters, rows,
                                          geometry.channels,
                                          inputGroups[size_t(g)], context));
    }
  }
  return Status::success();
}

Status BlockBackend::forward(const nn::FloatTensor &x,
                             const nn::FloatTensor &weight, nn::FloatTensor &y,
                             const nn::StepContext &context) {
  const int64_t images = x.extent(0);
  LPGEN_RETURN_IF_ERROR(quantizeWeights(weight, context));
  for (int g = 0; g < numInputs(); ++g) {
    LPGEN_RETURN_IF_ERROR(quantizeBlock(
        inputBlock(g), x, images * geometry.height * geometry.width,
        geometry.channels, inputGroups[size_t(g)], context));
  }
  const nn::TimeAdder timer(seconds.products[size_t(Product::Forward)]);
  std::ranges::fill(y.values(), 0.0F);
  const int64_t rows = images * geometry.outPixels();
  for (int h = 0; h < numOutputs(); ++h) {
    const Group outputs = outputGroups[size_t(h)];
    part.resize({rows, outputs.size()});
    for (int g = 0; g < numInputs(); ++g) {
      const Block &input = inputBlock(g);
      const Block &weights = weightBlock(g, h);
      LPGEN_RETURN_IF_ERROR(
          convOf(g, h).forward(input.q, weights.q, part, context));
      scatterAdd(part.data(), rows, geometry.outputs, outputs.begin,
                 outputs.size(), y.data());
    }
  }
  if (context.isTraining()) {
    countWork(Product::Forward, images);
  }
  return Status::success();
}

Status BlockBackend::quantizeGradient(const nn::FloatTensor &dy,
                                      const nn::StepContext &context) {
  const int64_t rows = dy.size() / geometry.outputs;
  for (int h = 0; h < numOutputs(); ++h) {
    LPGEN_RETURN_IF_ERROR(quantizeBlock(gradientBlock(h), dy, rows,
                                        geometry.outputs,
                                        outputGroups[size_t(h)], context));
  }
  return Status::success();
}

Status BlockBackend::inputGradient(nn::FloatTensor &dx,
                                   const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.products[size_t(Product::InputGradient)]);
  std::ranges::fill(dx.values(), 0.0F);
  const int64_t rows = dx.size() / geometry.channels;
  for (int g = 0; g < numInputs(); ++g) {
    const Group inputs = inputGroups[size_t(g)];
    part.resize({rows, inputs.size()});
    for (int h = 0; h < numOutputs(); ++h) {
      LPGEN_RETURN_IF_ERROR(convOf(g, h).inputGradient(
          gradientBlock(h).q, weightBlock(g, h).q, part, context));
      scatterAdd(part.data(), rows, geometry.channels, inputs.begin,
                 inputs.size(), dx.data());
    }
  }
  return Status::success();
}

Status BlockBackend::weightGradient(nn::FloatTensor &dWeight,
                                    const nn::StepContext &context) {
  const nn::TimeAdder timer(seconds.products[size_t(Product::WeightGradient)]);
  std::ranges::fill(dWeight.values(), 0.0F);
  const int64_t taps = geometry.kernel * geometry.kernel;
  for (int h = 0; h < numOutputs(); ++h) {
    const Group outputs = outputGroups[size_t(h)];
    const int64_t rows = outputs.size() * taps;
    for (int g = 0; g < numInputs(); ++g) {
      const Group inputs = inputGroups[size_t(g)];
      part.resize({rows, inputs.size()});
      LPGEN_RETURN_IF_ERROR(convOf(g, h).weightGradient(
          inputBlock(g).q, gradientBlock(h).q, part, context));
      scatterAdd(part.data(), rows, geometry.channels, inputs.begin,
                 inputs.size(),
                 dWeight.data() + outputs.begin * taps * geometry.channels);
    }
  }
  return Status::success();
}

Status BlockBackend::backward(const nn::FloatTensor &x,
                              const nn::FloatTensor &weight,
                              const nn::FloatTensor &dy,
                              nn::FloatTensor *dWeight, nn::FloatTensor *dx,
                              const nn::StepContext &context) {
  LPGEN_RETURN_IF_ERROR(quantizeGradient(dy, context));
  if (dx) {
    LPGEN_RETURN_IF_ERROR(inputGradient(*dx, context));
    countWork(Product::InputGradient, x.extent(0));
  }
  if (dWeight) {
    LPGEN_RETURN_IF_ERROR(weightGradient(*dWeight, context));
    countWork(Product::WeightGradient, x.extent(0));
  }
  if (isMeasured(context)) {
    measureGradients(weight, dWeight, dx, context);
  }
  return Status::success();
}

std::vector<BlockPair> BlockBackend::blockPairs(Product product) const {
  std::vector<BlockPair> all;
  const auto kernelSize =
      double(geometry.outPixels() * geometry.kernel * geometry.kernel);
  for (int g = 0; g < numInputs(); ++g) {
    for (int h = 0; h < numOutputs(); ++h) {
      const double macs = kernelSize * double(inputGroups[size_t(g)].size()) *
                          double(outputGroups[size_t(h)].size());
      switch (product) {
      case Product::Forward:
        all.push_back({g, weightIndex(g, h), macs});
        break;
      case Product::InputGradient:
        all.push_back({gradientIndex(h), weightIndex(g, h), macs});
        break;
      case Product::WeightGradient:
        all.push_back({g, gradientIndex(h), macs});
        break;
      }
    }
  }
  return all;
}

void BlockBackend::countWork(Product product, int64_t images) {
  for (const BlockPair &pair : blockPairs(product)) {
    done.add(double(images) * pair.macs, widthOf(pair.a), widthOf(pair.b));
  }
}

void BlockBackend::setWidths(const std::vector<WidthBlock> &widths) {
  assert(widths.size() == blocks.size() && "one width for each block");
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].quantizer.changeBits(widths[i].bits);
  }
}

void BlockBackend::visitState(nn::StateVisitor &visitor) {
  visitWork(visitor, name);
  for (Block &block : blocks) {
    block.quantizer.visitState(visitor);
  }
}

nn::BackendReport BlockBackend::report() const {
  nn::BackendReport report = startReport();
  for (const Block &block : blocks) {
    report.tensors.push_back(block.quantizer.report());
  }
  for (size_t i = 0; i < report.implementations.size(); ++i) {
    report.implementations[i] = kernelsOf(Product(i));
  }
  return report;
}

/// The products of one input group with all weights that it meets. Filters of
/// different widths stand together in the greatest of them.
networks::ForwardTerm BlockBackend::forwardTerm(int g) const {
  networks::ForwardTerm term;
  term.firstChannel = inputGroups[size_t(g)].begin;
  term.channels = inputGroups[size_t(g)].size();
  term.input = *blocks[size_t(g)].quantizer.quantParams();
  for (int h = 0; h < numOutputs(); ++h) {
    const IntTensor &q = blocks[size_t(weightIndex(g, h))].q;
    term.weight.highest = std::max(term.weight.highest, q.max());
    term.weightScales.insert(term.weightScales.end(),
                             size_t(outputGroups[size_t(h)].size()), q.scale());
    const std::vector<int32_t> codes = q.codes();
    term.weights.insert(term.weights.end(), codes.begin(), codes.end());
  }
  term.weight.lowest = -term.weight.highest;
  return term;
}

Result<networks::ForwardOperands> BlockBackend::forwardOperands() const {
  if (!hasStatistics()) {
    return Status::error("its input has no scale before the first step of "
                         "training");
  }
  networks::ForwardOperands operands;
  for (int g = 0; g < numInputs(); ++g) {
    operands.terms.push_back(forwardTerm(g));
  }
  return operands;
}

std::string BlockBackend::kernelsOf(Product product) const {
  std::string names;
  for (const IntegerConv &conv : convs) {
    const std::string kernel = conv.kernelOf(product);
    if (names.find(kernel) == std::string::npos) {
      names += (names.empty() ? "" : ", ") + kernel;
    }
  }
  return names;
}

} // namespace lpgen::quant
