// Greedy: the best step first, until no step fits.
#include "training/contractions/BitWidthMap.h"
#include <algorithm>

namespace lpgen::quant {

/// Widths are kept up to this multiple of the harm of new ones.
static constexpr double keptHarm = 1.05;

double bitProducts(const std::vector<WidthBlock> &blocks,
                   const std::vector<BlockProduct> &products) {
  double sum = 0;
  for (const BlockProduct &product : products) {
    sum += product.macs * blocks[size_t(product.a)].bits *
           blocks[size_t(product.b)].bits;
  }
  return sum;
}

static double harmOf(const WidthBlock &block, int bits) {
  return block.harm[widthIndex(bits)];
}

/// The next width above, or 0.
static int widthAbove(int bits) {
  const auto *above = std::ranges::upper_bound(blockWidths, bits);
  return above == blockWidths.end() ? 0 : *above;
}

std::vector<int> chooseWidths(const std::vector<WidthBlock> &blocks,
                              const std::vector<BlockProduct> &products,
                              double budget) {
  std::vector<int> bits(blocks.size(), blockWidths.front());
  std::vector<std::vector<const BlockProduct *>> productsOf(blocks.size());
  double cost = 0;
  for (const BlockProduct &product : products) {
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
      for (const BlockProduct *product : productsOf[i]) {
        const size_t other =
            size_t(product->a) == i ? size_t(product->b) : size_t(product->a);
        more += product->macs * (above - bits[i]) * bits[other];
      }
      const double gain =
          (harmOf(blocks[i], bits[i]) - harmOf(blocks[i], above)) / more;
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
                  const std::vector<BlockProduct> &products, double budget) {
  const std::vector<int> wanted = chooseWidths(blocks, products, budget);
  double harmNow = 0;
  double harmWanted = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    harmNow += harmOf(blocks[i], blocks[i].bits);
    harmWanted += harmOf(blocks[i], wanted[i]);
  }
  if (bitProducts(blocks, products) <= budget &&
      harmNow <= keptHarm * harmWanted) {
    return;
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].bits = wanted[i];
  }
}

} // namespace lpgen::quant
