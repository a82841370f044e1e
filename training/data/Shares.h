// The training images of one of several clients that have data of their own.
#ifndef LPGEN_TRAINING_DATA_SHARES_H
#define LPGEN_TRAINING_DATA_SHARES_H

#include "training/core/Random.h"
#include "training/data/Dataset.h"

namespace lpgen::data {

/// Keeps the share of client `client` of `clients`; all have equally many
/// images, no image is in two shares, and what does not divide is left out.
/// With `shards` 0 clients take images in turn. Else the images are sorted by
/// class and cut into clients times shards pieces, of which each client has
/// `shards` random ones (McMahan et al. 2017, section 3): with 1 or 2 it sees
/// few classes. An error if there are fewer images than pieces.
Status keepShare(Dataset &data, int64_t client, int64_t clients, int64_t shards,
                 const nn::RandomKey &random);

} // namespace lpgen::data

#endif // LPGEN_TRAINING_DATA_SHARES_H
