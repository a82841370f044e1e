// Contractions of a layer whose tensors are cut into blocks of channels, each
// block an integer tensor with a width and a scale of its own.
//
// With input channels in groups g and outputs in groups h,
//   y_h = sum_g x_g w_gh,   dx_g = sum_h dy_h w_gh,   dw_gh = x_g dy_h
// every term being one convolution of fewer channels, run by the kernel for its
// two widths. Terms are added in float32, in order.
#ifndef LPGEN_TRAINING_CONTRACTIONS_BLOCKBACKEND_H
#define LPGEN_TRAINING_CONTRACTIONS_BLOCKBACKEND_H

#include "training/contractions/IntegerConv.h"
#include "training/quantizers/BlockQuantizer.h"

namespace lpgen::quant {

struct BlockOptions {
  int64_t blockSize = 32;        ///< Channels or outputs; the last block fewer.
  int startBits = 8;             ///< Of all blocks.
  int64_t statisticsPeriod = 10; ///< Steps.
};

class BlockBackend : public nn::ContractionBackend {
public:
  /// The layer has one group.
  BlockBackend(const nn::LayerSpec &layer, const BlockOptions &options,
               KernelProvider &kernels);

  Status forward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                 nn::FloatTensor &y, const nn::StepContext &context) override;
  Status backward(const nn::FloatTensor &x, const nn::FloatTensor &weight,
                  const nn::FloatTensor &dy, nn::FloatTensor *dWeight,
                  nn::FloatTensor *dx, const nn::StepContext &context) override;
  void visitState(nn::StateVisitor &visitor) override;
  nn::BackendReport report() const override;
  Result<networks::ForwardOperands> forwardOperands() const override;

  /// Inputs, weights [input group, output group], gradients.
  int numBlocks() const { return int(blocks.size()); }
  /// The pairs of blocks that one product multiplies, by number, for one image.
  std::vector<BlockPair> blockPairs(nn::Product product) const;
  /// The width of each block and how sensitive the loss is to rounding it,
  /// relative to what the tensor holds: noise power times mean square gradient,
  /// over all blocks' power times mean square gradient. For a gradient the
  /// weights that it meets take the place of its own gradient.
  std::vector<WidthBlock> describeBlocks() const;
  void setWidths(const std::vector<WidthBlock> &widths);
  bool hasStatistics() const {
    return !blocks.empty() && blocks[0].quantizer.hasStatistics();
  }

private:
  using Product = nn::Product;
  /// Channels [begin, end) of a tensor.
  using Group = TaskRange;
  struct Block {
    BlockQuantizer quantizer;
    IntTensor q;
  };
  Block &inputBlock(int g) { return blocks[size_t(g)]; }
  Block &weightBlock(int g, int h) { return blocks[size_t(weightIndex(g, h))]; }
  networks::ForwardTerm forwardTerm(int g) const;
  Block &gradientBlock(int h) { return blocks[size_t(gradientIndex(h))]; }
  int numInputs() const { return int(inputGroups.size()); }
  int numOutputs() const { return int(outputGroups.size()); }
  int weightIndex(int g, int h) const {
    return numInputs() + g * numOutputs() + h;
  }
  int gradientIndex(int h) const {
    return numInputs() * (1 + numOutputs()) + h;
  }
  IntegerConv &convOf(int g, int h) {
    return convs[size_t(g) * outputGroups.size() + size_t(h)];
  }
  void countWork(Product product, int64_t images);
  /// Of all kernels of a product, each once.
  std::string kernelsOf(Product product) const;
  void addBlock(const std::string &tensor, Rounding rounding);
  Status quantizeBlock(Block &block, const nn::FloatTensor &x, int64_t rows,
                       int64_t rowLength, Group columns,
                       const nn::StepContext &context);
  int widthOf(int block) const {
    return blocks[size_t(block)].quantizer.report().bits;
  }
  Status quantizeWeights(const nn::FloatTensor &weight,
                         const nn::StepContext &context);
  Status quantizeGradient(const nn::FloatTensor &dy,
                          const nn::StepContext &context);
  Status inputGradient(nn::FloatTensor &dx, const nn::StepContext &context);
  Status weightGradient(nn::FloatTensor &dWeight,
                        const nn::StepContext &context);
  /// to[row, 0 .. length) = from[row, begin ..) of rows of rowLength elements.
  static void gather(const float *from, int64_t rows, int64_t rowLength,
                     int64_t begin, int64_t length, float *to);
  void measureGradients(const nn::FloatTensor &weight,
                        const nn::FloatTensor *dWeight,
                        const nn::FloatTensor *dx,
                        const nn::StepContext &context);
  bool isMeasured(const nn::StepContext &context) const {
    return context.isTraining() && context.step % options.statisticsPeriod == 0;
  }

  std::string name;
  ConvGeometry geometry;
  std::vector<Group> inputGroups;
  std::vector<Group> outputGroups;
  std::vector<Block> blocks;
  std::vector<IntegerConv> convs; ///< [input group, output group]
  BlockOptions options;
  nn::FloatTensor part; ///< A block of a tensor, or a term of a sum.
};

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_BLOCKBACKEND_H
