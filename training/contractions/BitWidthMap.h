// Bit widths for many blocks at once, from the harm that rounding each of them
// does and from what each bit costs, under a budget.
#ifndef LPGEN_TRAINING_CONTRACTIONS_BITWIDTHMAP_H
#define LPGEN_TRAINING_CONTRACTIONS_BITWIDTHMAP_H

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
  std::array<double, blockWidths.size()> harm = {};
  int bits = 8;
};

/// Blocks a and b are multiplied: bits a times bits b for each of the macs.
struct BlockProduct {
  int a = 0;
  int b = 0;
  double macs = 0;
};

/// Bit products of all multiply-adds.
double bitProducts(const std::vector<WidthBlock> &blocks,
                   const std::vector<BlockProduct> &products);

/// Chooses widths of least harm whose bit products do not exceed the budget:
/// from the least width of all blocks, one by one the step that saves most harm
/// for its cost. Where the least widths exceed the budget they are the result.
std::vector<int> chooseWidths(const std::vector<WidthBlock> &blocks,
                              const std::vector<BlockProduct> &products,
                              double budget);

/// Brings the blocks to the widths that their harm asks for now. All keep
/// theirs while that does little more harm and is within the budget. Blocks do
/// not hold bits one by one: the budget would take them from others.
void updateWidths(std::vector<WidthBlock> &blocks,
                  const std::vector<BlockProduct> &products, double budget);

} // namespace lpgen::quant

#endif // LPGEN_TRAINING_CONTRACTIONS_BITWIDTHMAP_H
