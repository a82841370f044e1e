// Greedy: the best step first, until no step fits.
#include "training/quantizers/BitWidthMap.h"
#include <algorithm>

namespace lpgen::quant {

/// Widths are kept up to this multiple of the sensitivity of new ones.
static constexpr double keptSensitivity = 1.05;

double bops(const std::vector<WidthBlock> &blocks,
            const std::vector<BlockPair> &products) {
  double sum = 0;
  for (const BlockPair &product : products) {
    sum += product.macs * blocks[size_t(product.a)].bits *
           blocks[size_t(product.b)].bits;
  }
  return sum;
}

static double sensitivityOf(const WidthBlock &block, int bits) {
  return block.sensitivity[widthIndex(bits)];
}

/// The next width above, or 0.
static int widthAbove(int bits) {
  const auto *above = std::ranges::upper_bound(blockWidths, bits);
  return above == blockWidths.end() ? 0 : *above;
}

std::vector<int> chooseWidths(const std::vector<WidthBlock> &blocks,
                              const std::vector<BlockPair> &products,
                              double budget) {
  std::vector<int> bits(blocks.size(), blockWidths.front());
  std::vector<std::vector<const BlockPair *>> productsOf(blocks.size());
  double cost = 0;
  for (const BlockPair &product : products) {
    productsOf[size_t(product.a)].push_back(&product);
    productsOf[size_t(product.b)].push_back(&product);
    cost += product.macs * bits[size_t(product.a)] * bits[size_t(product.b)];
  }
  while (true) {
    double bestGain = 0;
    double bestCost = 0;
    size_t best = blocks.size();
    for (size_t i = 0; i < blocks.size(); ++i) {
      const int above = widthAbove(bits[i]);
      if (above == 0) {
        continue;
      }
      double more = 0;
      for (const BlockPair *product : productsOf[i]) {
        const size_t other =
            size_t(product->a) == i ? size_t(product->b) : size_t(product->a);
        more += product->macs * (above - bits[i]) * bits[other];
      }
      const double gain = (sensitivityOf(blocks[i], bits[i]) -
                           sensitivityOf(blocks[i], above)) /
                          more;
      if (cost + more <= budget && gain > bestGain) {
        bestGain = gain;
        bestCost = more;
        best = i;
      }
    }
    if (best == blocks.size()) {
      return bits;
    }
    bits[best] = widthAbove(bits[best]);
    cost += bestCost;
  }
}

void updateWidths(std::vector<WidthBlock> &blocks,
                  const std::vector<BlockPair> &products, double budget) {
  const std::vector<int> wanted = chooseWidths(blocks, products, budget);
  double sensitivityNow = 0;
  double sensitivityWanted = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    sensitivityNow += sensitivityOf(blocks[i], blocks[i].bits);
    sensitivityWanted += sensitivityOf(blocks[i], wanted[i]);
  }
  if (bops(blocks, products) <= budget &&
      sensitivityNow <= keptSensitivity * sensitivityWanted) {
    return;
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].bits = wanted[i];
  }
}

} // namespace lpgen::quant
