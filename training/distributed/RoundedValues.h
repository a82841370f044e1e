// Floats as integers of few bits for the way to others: rounded stochastically,
// so that the mean over senders is right.
#ifndef LPGEN_TRAINING_DISTRIBUTED_ROUNDEDVALUES_H
#define LPGEN_TRAINING_DISTRIBUTED_ROUNDEDVALUES_H

#include "base/system/Status.h"
#include "training/core/Random.h"
#include <cstddef>
#include <span>
#include <vector>

namespace lpgen::train {

/// Appends a scale, 4 bytes, and for each value a code of `bits` bits, 2 to 16,
/// in as many bytes as they need together; the value is code times scale, from
/// -max|values| to max|values|. 32 bits: the floats as they are. A value that
/// is no number makes the scale none, and nothing follows it.
void packRounded(std::span<const float> values, int bits,
                 const nn::RandomKey &random, std::vector<std::byte> &bytes);

/// Adds the values at the front of `bytes` to `sum`, and takes them off. An
/// error if these are not as many bytes as that takes.
Status addRounded(std::span<const std::byte> &bytes, int bits,
                  std::span<float> sum);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_DISTRIBUTED_ROUNDEDVALUES_H
