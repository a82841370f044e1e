// The accumulator plan of a network, as text or as JSON.
#ifndef LPGEN_TRAINING_RECORD_ACCUMULATORTABLE_H
#define LPGEN_TRAINING_RECORD_ACCUMULATORTABLE_H

#include "base/system/Status.h"
#include "training/models/Models.h"

namespace lpgen::train {

enum class TableFormat { Text, Json };

/// One row for each product of each layer: its number of terms, the bits that
/// hold any sum of int8 products, and the mantissa bits that the
/// variance-retention analysis finds for products of 5, in one sum and in
/// chunks of 64. An error for an unknown model.
Result<std::string> accumulatorTable(const nn::ModelSpec &model,
                                     int64_t batchSize, TableFormat format);

} // namespace lpgen::train

#endif // LPGEN_TRAINING_RECORD_ACCUMULATORTABLE_H
