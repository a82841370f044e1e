// Sums in double.
#include "training/posttraining/BiasCorrection.h"
#include "training/core/ChannelSums.h"

namespace lpgen::posttraining {

std::vector<double> channelMeans(const nn::FloatTensor &y, int64_t channels,
                                 const nn::StepContext &context) {
  const int64_t rows = y.size() / channels;
  std::vector<double> means =
      nn::sumRows(context, rows, channels, [&](TaskRange range, double *sums) {
        for (int64_t i = range.begin * channels; i < range.end * channels;
             ++i) {
          sums[i % channels] += double(y[i]);
        }
      });
  for (double &mean : means) {
    mean /= double(rows);
  }
  return means;
}

void correctBias(std::span<const float> original,
                 std::span<const double> wanted, std::span<const double> found,
                 std::span<float> offset) {
  for (size_t c = 0; c < offset.size(); ++c) {
    offset[c] = float(double(original[c]) + wanted[c] - found[c]);
  }
}

} // namespace lpgen::posttraining
