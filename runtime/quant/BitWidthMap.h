// Bit widths for many blocks at once, from the harm that rounding each of them
// does and from what each bit costs, under a budget.
#ifndef LPGEN_RUNTIME_QUANT_BITWIDTHMAP_H
#define LPGEN_RUNTIME_QUANT_BITWIDTHMAP_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lpgen::quant {

/// The widths that a block can have.
constexpr std::array<int, 4> blockWidths = {2, 4, 6, 8};
constexpr std::size_t widthIndex(int bits) { return std::size_t(bits / 2 - 1); }

/// A block of a tensor.
struct WidthBlock {
  /// What rounding does to the loss, by width.
  std::array<double, blockWidths.size()> harm = {};
  int bits = 8;
  int lower = 0; ///< Updates in a row that wanted fewer bits.
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
/// from `leastBits` of each block, one by one the step that saves most harm for
/// its cost. Where `leastBits` exceed the budget they are the result.
std::vector<int> chooseWidths(const std::vector<WidthBlock> &blocks,
                              const std::vector<BlockProduct> &products,
                              const std::vector<int> &leastBits, double budget);

/// Brings the blocks to the widths that their noise asks for now. A block gains
/// bits at once, but loses some only if `patience` updates in a row want that,
/// or if the budget leaves no choice.
void updateWidths(std::vector<WidthBlock> &blocks,
                  const std::vector<BlockProduct> &products, double budget,
                  int patience);

} // namespace lpgen::quant

#endif // LPGEN_RUNTIME_QUANT_BITWIDTHMAP_H
