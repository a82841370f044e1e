// The residual of each point is the target of the next.
#include "training/posttraining/Multipoint.h"
#include "training/posttraining/WeightScale.h"

namespace lpgen::posttraining {

FilterPoint takePoint(std::span<float> rest, const QuantParams &grid) {
  FilterPoint point;
  point.codes.resize(rest.size());
  point.scale = weightScale(rest, grid, WeightRange::Mse);
  roundToNearest(rest, grid, point.scale, point.codes);
  double product = 0;
  double squares = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    product += double(rest[i]) * point.codes[i];
    squares += double(point.codes[i]) * point.codes[i];
  }
  if (squares > 0 && product > 0) {
    point.scale = float(product / squares);
  }
  for (size_t i = 0; i < rest.size(); ++i) {
    rest[i] -= point.scale * float(point.codes[i]);
  }
  return point;
}

} // namespace lpgen::posttraining
