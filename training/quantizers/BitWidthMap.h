// Bit widths for many blocks at once, from how sensitive the loss is to
// rounding each of them and from what each bit costs, under a budget.
#ifndef LPGEN_TRAINING_QUANTIZERS_BITWIDTHMAP_H
#define LPGEN_TRAINING_QUANTIZERS_BITWIDTHMAP_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace lpgen::quant {

/// The widths that a block can have. With 2 bits the noise would be 0.12 to
/// 0.19 of the power of normally distributed elements (Max 1960).
constexpr std::array<int, 5> blockWidths = {3, 4, 5, 6, 8};
constexpr std::size_t widthIndex(int bits) {
  return std::size_t(std::ranges::find(blockWidths, bits) -
                     blockWidths.begin());
}

/// A block of a tensor.
struct WidthBlock {
  /// What rounding does to the loss, by width.
  std::array<double, blockWidths.size()> sensitivity = {};
  int bits = 8;
};

/// Blocks a and b are multiplied: bits a times bits b bit operations for each
/// of the macs.
struct BlockPair {
  int a = 0;
  int b = 0;
  double macs = 0;
};

/// Bit operations of all multiply-adds.
double bops(const std::vector<WidthBlock> &blocks,
            const std::vector<BlockPair> &products);

/// Chooses the widths to which the loss is least sensitive and whose bit
/// operations do not exceed the budget: from the least width of all blocks, one
/// by one the step that lowers the sensitivity most for its cost. Where the
/// least widths exceed the budget they are the result.
std::vector<int> chooseWidths(const std::vector<WidthBlock> &blocks,
                              const std::vector<BlockPair> &products,
                              double budget);

/// Brings the blocks to the widths that their sensitivity asks for now. All
/// keep theirs while the sum is little greater and within the budget. Blocks do
/// not hold bits one by one: the budget would take them from others.
void updateWidths(std::vector<WidthBlock> &blocks,
                  const std::vector<BlockPair> &products, double budget);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_QUANTIZERS_BITWIDTHMAP_H
