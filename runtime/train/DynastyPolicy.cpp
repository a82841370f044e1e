// dynasty: block-wise bit widths from online sensitivity, under a budget (after
// Liu et al. 2022, arXiv 2210.17047).
//
// Each tensor of an inner layer is cut into blocks of channels that have 2, 4,
// 6 or 8 bits; the widths of the whole network are chosen together, again and
// again. The first and the last layer have 8 bits and count in the budget.
#include "runtime/quant/BlockProducts.h"
#include "runtime/quant/IntegerProducts.h"
#include "runtime/quant/RangeQuantizer.h"
#include "runtime/train/Policies.h"
#include <algorithm>

namespace lpgen::train {

namespace {

struct DynastyOptions {
  double budget = 16; ///< Bit products for each multiply-add, mean of a run.
  double late = 1.75; ///< Times that in the last third of it.
  int64_t blockSize = 32; ///< Channels of a block.
  int64_t period = 50;    ///< Steps between two choices.
  int patience = 3;       ///< Choices in a row before a block loses bits.
};
constexpr int64_t statisticsPerPeriod = 5;
constexpr int leastBits = quant::blockWidths.front();
constexpr int endBits = 8; ///< Of the first and the last layer.

class DynastyPolicy : public Policy {
public:
  DynastyPolicy(const DynastyOptions &options, const PolicyContext &context)
      : options(options), totalSteps(context.totalSteps),
        kernels(context.kernels) {}

  Result<std::unique_ptr<nn::Products>>
  makeProducts(const nn::LayerSpec &layer) override {
    if (layer.place != nn::LayerPlace::Inner) {
      const int products = layer.place == nn::LayerPlace::First ? 2 : 3;
      endMacs += double(products * layer.geometry.macs());
      return makeEnd(layer);
    }
    auto made = std::make_unique<quant::BlockProducts>(
        layer,
        quant::BlockOptions{
            options.blockSize, startBits(),
            std::max<int64_t>(options.period / statisticsPerPeriod, 1)},
        *kernels);
    layers.push_back(made.get());
    return std::unique_ptr<nn::Products>(std::move(made));
  }

  void afterUpdate(const std::vector<nn::Parameter *> &parameters,
                   const nn::Pass &pass) override {
    if (!layers.empty() && layers[0]->hasStatistics() &&
        pass.step % options.period == 0) {
      chooseAgain(budgetAt(pass.step));
    }
  }

private:
  /// What noise early in a run does to the weights is repaired later, so that
  /// bits are worth more in the last third.
  double budgetAt(int64_t step) const {
    const double least = leastBits * leastBits;
    const double early =
        std::max(options.budget * (3 - options.late) / 2, least);
    return step < totalSteps - totalSteps / 3
               ? early
               : 3 * options.budget - 2 * early;
  }

  /// The greatest width that all blocks can have within the first budget.
  int startBits() const {
    int bits = leastBits;
    for (const int width : quant::blockWidths) {
      bits = width * width <= budgetAt(0) ? width : bits;
    }
    return bits;
  }

  Result<std::unique_ptr<nn::Products>> makeEnd(const nn::LayerSpec &layer) {
    const auto make = [&](const char *tensor, quant::Rounding rounding) {
      return std::make_unique<quant::RangeQuantizer>(layer.name + tensor,
                                                     endBits, rounding);
    };
    return std::unique_ptr<nn::Products>(
        std::make_unique<quant::IntegerProducts>(
            layer.geometry,
            quant::LayerQuantizers{
                make(".input", quant::Rounding::Nearest),
                make(".weight", quant::Rounding::Nearest),
                make(".gradient", quant::Rounding::Stochastic)},
            *kernels));
  }

  /// With so many bit products for each multiply-add.
  void chooseAgain(double budget) {
    std::vector<quant::WidthBlock> blocks;
    std::vector<quant::BlockProduct> products;
    double macs = endMacs;
    for (const quant::BlockProducts *layer : layers) {
      const int first = int(blocks.size());
      const std::vector<quant::WidthBlock> own = layer->describeBlocks();
      blocks.insert(blocks.end(), own.begin(), own.end());
      for (const auto product :
           {nn::Product::Forward, nn::Product::InputGradient,
            nn::Product::WeightGradient}) {
        for (const quant::BlockProduct &pair : layer->blockProducts(product)) {
          products.push_back({first + pair.a, first + pair.b, pair.macs});
          macs += pair.macs;
        }
      }
    }
    quant::updateWidths(blocks, products,
                        budget * macs - endMacs * endBits * endBits,
                        options.patience);
    auto next = blocks.begin();
    for (quant::BlockProducts *layer : layers) {
      layer->setWidths({next, next + layer->numBlocks()});
      next += layer->numBlocks();
    }
  }

  DynastyOptions options;
  int64_t totalSteps;
  KernelProvider *kernels;
  std::vector<quant::BlockProducts *> layers; ///< The network owns them.
  double endMacs = 0; ///< Of one image, in all products of the ends.
};

} // namespace

Result<std::unique_ptr<Policy>>
makeDynastyPolicy(PolicyText &text, const PolicyContext &context) {
  DynastyOptions options;
  const Result<double> budget = text.number("budget", options.budget, 4, 64);
  LPGEN_RETURN_IF_ERROR(budget.status());
  const Result<double> late = text.number("late", options.late, 1, 2.5);
  LPGEN_RETURN_IF_ERROR(late.status());
  const Result<int64_t> block =
      text.integer("block", options.blockSize, 8, 4096);
  LPGEN_RETURN_IF_ERROR(block.status());
  const Result<int64_t> period =
      text.integer("period", options.period, 1, 1000000);
  LPGEN_RETURN_IF_ERROR(period.status());
  const Result<int64_t> patience =
      text.integer("patience", options.patience, 1, 1000);
  LPGEN_RETURN_IF_ERROR(patience.status());
  LPGEN_RETURN_IF_ERROR(text.finish());
  options.budget = *budget;
  options.late = *late;
  options.blockSize = *block;
  options.period = *period;
  options.patience = int(*patience);
  return std::unique_ptr<Policy>(
      std::make_unique<DynastyPolicy>(options, context));
}

} // namespace lpgen::train
