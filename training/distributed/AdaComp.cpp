// One pass for sums and maxima, one that sends.
#include "training/distributed/AdaComp.h"
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string>

namespace lpgen::train {

AdaComp::AdaComp(int64_t size, int64_t binSize)
    : binSize(binSize), left(size_t(size), 0.0F) {
  assert(binSize >= 1 && binSize <= 16383 && "a place has 14 bits");
}

/// Appends the elements of one bin; `left` holds G and becomes what remains.
void AdaComp::packBin(std::span<const float> gradient, int64_t begin,
                      int64_t end, float greatest, float scale,
                      std::vector<std::byte> &bytes) {
  const uint32_t signBit = (placeMask() + 1) << 1;
  const uint32_t lastBit = placeMask() + 1;
  const auto append = [&](uint32_t code) {
    for (int64_t i = 0; i < codeBytes(); ++i) {
      bytes.push_back(std::byte(code >> (8 * i)));
    }
  };
  int64_t sent = -1; // Held back until it is known whether it is the last.
  bool isNegative = false;
  const auto codeOf = [&](int64_t place) {
    return uint32_t(place - begin) | (isNegative ? signBit : 0);
  };
  for (int64_t i = begin; i < end; ++i) {
    float &g = left[size_t(i)];
    const bool isSent =
        g != 0 && std::fabs(g + gradient[size_t(i)]) >= greatest;
    if (!isSent) {
      continue;
    }
    if (sent >= 0) {
      append(codeOf(sent));
    }
    sent = i;
    isNegative = g < 0;
    g -= isNegative ? -scale : scale;
  }
  append(sent >= 0 ? codeOf(sent) | lastBit : placeMask() | lastBit);
}

void AdaComp::pack(std::span<const float> gradient,
                   std::vector<std::byte> &bytes) {
  assert(gradient.size() == left.size() && "a gradient of this tensor");
  const auto size = int64_t(left.size());
  const auto appendScale = [&](float scale) {
    const auto octets = std::as_bytes(std::span(&scale, 1));
    bytes.insert(bytes.end(), octets.begin(), octets.end());
  };
  if (!std::ranges::all_of(gradient,
                           [](float value) { return std::isfinite(value); })) {
    appendScale(std::nanf(""));
    return;
  }
  std::vector<float> greatest;
  double sum = 0;
  for (int64_t begin = 0; begin < size; begin += binSize) {
    float most = 0;
    for (int64_t i = begin; i < std::min(begin + binSize, size); ++i) {
      float &g = left[size_t(i)];
      g += gradient[size_t(i)];
      most = std::max(most, std::fabs(g));
    }
    greatest.push_back(most);
    sum += double(most);
  }
  const auto scale = float(sum / double(std::max<size_t>(greatest.size(), 1)));
  appendScale(scale);
  for (size_t bin = 0; bin < greatest.size(); ++bin) {
    const int64_t begin = int64_t(bin) * binSize;
    packBin(gradient, begin, std::min(begin + binSize, size), greatest[bin],
            scale, bytes);
  }
}

Status AdaComp::addUnpacked(std::span<const std::byte> &bytes,
                            std::span<float> sum) const {
  assert(sum.size() == left.size() && "a sum of this tensor");
  const auto malformed = [](const std::string &what) {
    return Status::error("compressed gradient: " + what +
                         "; the workers do not run the same program or "
                         "network");
  };
  float scale = 0;
  if (bytes.size() < sizeof(scale)) {
    return malformed("its scale is missing");
  }
  std::memcpy(&scale, bytes.data(), sizeof(scale));
  bytes = bytes.subspan(sizeof(scale));
  if (!std::isfinite(scale)) {
    std::ranges::fill(sum, scale);
    return Status::success();
  }
  const auto size = int64_t(left.size());
  for (int64_t begin = 0; begin < size; begin += binSize) {
    const int64_t length = std::min(binSize, size - begin);
    bool isLast = false;
    while (!isLast) {
      if (int64_t(bytes.size()) < codeBytes()) {
        return malformed("it ends within a bin");
      }
      uint32_t code = 0;
      for (int64_t i = 0; i < codeBytes(); ++i) {
        code |= uint32_t(bytes[size_t(i)]) << (8 * i);
      }
      bytes = bytes.subspan(size_t(codeBytes()));
      isLast = (code & (placeMask() + 1)) != 0;
      const uint32_t place = code & placeMask();
      if (place == placeMask() && isLast) {
        break;
      }
      if (int64_t(place) >= length) {
        return malformed("element " + std::to_string(place) + " of a bin of " +
                         std::to_string(length));
      }
      sum[size_t(begin) + place] +=
          (code & ((placeMask() + 1) << 1)) != 0 ? -scale : scale;
    }
  }
  return Status::success();
}

} // namespace lpgen::train
