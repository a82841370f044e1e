// Which images, then a copy of them.
#include "training/data/Shares.h"
#include <algorithm>
#include <numeric>

namespace lpgen::data {

static std::vector<int64_t> imagesInTurn(int64_t count, int64_t client,
                                         int64_t clients) {
  std::vector<int64_t> images(size_t(count / clients));
  for (size_t i = 0; i < images.size(); ++i) {
    images[i] = int64_t(i) * clients + client;
  }
  return images;
}

static std::vector<int64_t> imagesOfShards(const std::vector<uint8_t> &labels,
                                           int64_t client, int64_t clients,
                                           int64_t shards,
                                           const nn::RandomKey &random) {
  std::vector<int64_t> sorted(labels.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::ranges::sort(sorted, {}, [&](int64_t image) {
    return std::pair(labels[size_t(image)], image);
  });
  const int64_t length = int64_t(labels.size()) / (clients * shards);
  const std::vector<int64_t> order = random.permutation(clients * shards);
  std::vector<int64_t> images;
  for (int64_t i = 0; i < shards; ++i) {
    const auto begin =
        sorted.begin() + order[size_t(client * shards + i)] * length;
    images.insert(images.end(), begin, begin + length);
  }
  std::ranges::sort(images);
  return images;
}

Status keepShare(Dataset &data, int64_t client, int64_t clients, int64_t shards,
                 const nn::RandomKey &random) {
  ImageSet &all = data.train;
  const int64_t pieces = clients * std::max<int64_t>(shards, 1);
  if (pieces > all.count) {
    return Status::error("cannot cut the " + std::to_string(all.count) +
                         " training images of '" + data.name + "' into " +
                         std::to_string(pieces) +
                         " pieces; remedy: fewer "
                         "processes or fewer shards");
  }
  const std::vector<int64_t> images =
      shards == 0 ? imagesInTurn(all.count, client, clients)
                  : imagesOfShards(all.labels, client, clients, shards, random);
  ImageSet share;
  share.count = int64_t(images.size());
  for (const int64_t image : images) {
    const auto begin = all.pixels.begin() + image * data.imageSize();
    share.pixels.insert(share.pixels.end(), begin, begin + data.imageSize());
    share.labels.push_back(all.labels[size_t(image)]);
  }
  all = std::move(share);
  return Status::success();
}

} // namespace lpgen::data
