// Images whose neighbouring elements lie side by side in the channels of a
// smaller one.
#ifndef LPGEN_NETWORKS_IMPORT_SPREAD_H
#define LPGEN_NETWORKS_IMPORT_SPREAD_H

#include "networks/import/Value.h"

namespace lpgen::importer {

/// Elements of an image that lie in channels: where a and b are the remainders
/// of row and column by the factors [f, g], outputs are [a, b, output] of
/// `inner`.
struct Spread {
  Value inner;
  std::vector<int64_t> factors; ///< Of each dimension behind the channels.
};

/// The image whose elements lie in the channels of `inner`, with a factor of
/// its own for each remainder.
Value spreadOut(const Value &inner, const std::vector<int64_t> &factors);
/// The same with one factor for each dimension, in the order of the image.
Value spreadOutFlat(const Value &inner, const std::vector<int64_t> &factors);
/// Numbers of channels, or one, for the channels of `spread.inner`; nothing if
/// they differ along another dimension.
std::optional<Constant> withinSpread(const Constant &numbers,
                                     const Spread &spread);
/// The value in whose channels the elements lie, with their range, scale and
/// zero point; nothing if there is none.
std::optional<Value> innerOf(const Value &value);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_SPREAD_H
