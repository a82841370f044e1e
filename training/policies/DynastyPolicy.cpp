// dynasty: block-wise bit widths from online sensitivity, under a budget (after
// Liu et al. 2022, arXiv 2210.17047).
//
// Each tensor of an inner layer is cut into blocks of channels, each with a
// width (quant::blockWidths); the widths of the whole network are chosen
// together, again and again. The first and the last layer have 8 bits and count
// in the budget.
#include "training/contractions/BlockBackend.h"
#include "training/contractions/IntegerBackend.h"
#include "training/policies/Policies.h"
#include "training/quantizers/RangeQuantizer.h"

namespace lpgen::train {

namespace {

struct DynastyOptions {
  double budget = 16;     ///< Bit operations for each multiply-add, on average.
  int64_t blockSize = 32; ///< Channels of a block.
  int64_t period = 50;    ///< Steps between two choices.
};
constexpr int64_t statisticsPerPeriod = 5;
constexpr int endBits = 8; ///< Of the first and the last layer.

class DynastyPolicy : public Policy {
public:
  DynastyPolicy(const DynastyOptions &options, KernelProvider &kernels)
      : options(options), kernels(&kernels) {}

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeBackend(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      const int products = layer.place == nn::LayerPlace::First ? 2 : 3;
      endMacs += double(products * layer.geometry.macs());
      return makeEnd(layer);
    }
    auto made = std::make_unique<quant::BlockBackend>(
        layer,
        quant::BlockOptions{
            options.blockSize, startBits(),
            std::max<int64_t>(options.period / statisticsPerPeriod, 1)},
        *kernels);
    layers.push_back(made.get());
    return std::unique_ptr<nn::ContractionBackend>(std::move(made));
  }

  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::StepContext &context) override {
    if (!layers.empty() && layers[0]->hasStatistics() &&
        context.step % options.period == 0) {
      chooseAgain();
    }
  }

private:
  /// The greatest width that all blocks can have within the budget.
  int startBits() const {
    int bits = quant::blockWidths.front();
    for (const int width : quant::blockWidths) {
      bits = width * width <= options.budget ? width : bits;
    }
    return bits;
  }

  Result<std::unique_ptr<nn::ContractionBackend>>
  makeEnd(const nn::LayerSpec &layer) {
    const auto make = [&](const char *tensor, quant::Rounding rounding) {
      return std::make_unique<quant::RangeQuantizer>(layer.name + tensor,
                                                     endBits, rounding);
    };
    return std::unique_ptr<nn::ContractionBackend>(
        std::make_unique<quant::IntegerBackend>(
            layer.geometry,
            quant::LayerQuantizers{
                make(".input", quant::Rounding::Nearest),
                make(".weight", quant::Rounding::Nearest),
                make(".gradient", quant::Rounding::Stochastic)},
            *kernels));
  }

  void chooseAgain() {
    std::vector<quant::WidthBlock> blocks;
    std::vector<quant::BlockPair> products;
    double macs = endMacs;
    for (const quant::BlockBackend *layer : layers) {
      const int first = int(blocks.size());
      const std::vector<quant::WidthBlock> own = layer->describeBlocks();
      blocks.insert(blocks.end(), own.begin(), own.end());
      for (const auto product :
           {nn::Product::Forward, nn::Product::InputGradient,
            nn::Product::WeightGradient}) {
        for (const quant::BlockPair &pair : layer->blockPairs(product)) {
          products.push_back({first + pair.a, first + pair.b, pair.macs});
          macs += pair.macs;
        }
      }
    }
    quant::updateWidths(blocks, products,
                        options.budget * macs - endMacs * endBits * endBits);
    auto next = blocks.begin();
    for (quant::BlockBackend *layer : layers) {
      layer->setWidths({next, next + layer->numBlocks()});
      next += layer->numBlocks();
    }
  }

  DynastyOptions options;
  KernelProvider *kernels;
  std::vector<quant::BlockBackend *> layers; ///< The network owns them.
  double endMacs = 0; ///< Of one image, in all products of the ends.
};

} // namespace

static Result<std::unique_ptr<Policy>> make(const PolicyOptions &options,
                                            const PolicyContext &context) {
  DynastyOptions dynasty;
  dynasty.budget = options.number("budget");
  dynasty.blockSize = options.whole("block");
  dynasty.period = options.whole("period");
  return std::unique_ptr<Policy>(
      std::make_unique<DynastyPolicy>(dynasty, *context.kernels));
}

static constexpr PolicyOption options[] = {
    PolicyOption::number("budget", DynastyOptions().budget, 9, 64),
    PolicyOption::whole("block", DynastyOptions().blockSize, 8, 4096),
    PolicyOption::whole("period", DynastyOptions().period, 1, 1000000)};
extern const PolicyKind dynastyPolicy = {
    "dynasty", "widths of blocks of channels under a budget of bit operations",
    Exports, options, make};

} // namespace lpgen::train
