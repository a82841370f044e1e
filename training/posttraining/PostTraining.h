// Integers for the layers of a float32 network, by what its layers do to some
// images of the training set. No label is read and no step is trained.
//
// The float network runs once, so that ranges and means are known. Then, for
// given widths, it runs once more, and each layer gets its integers just before
// its product, when all layers before it have theirs: what it compensates are
// the errors that really reach it.
#ifndef LPGEN_TRAINING_POSTTRAINING_POSTTRAINING_H
#define LPGEN_TRAINING_POSTTRAINING_POSTTRAINING_H

#include "training/posttraining/ActivationRange.h"
#include "training/posttraining/Budget.h"
#include "training/posttraining/CalibratedNetwork.h"
#include "training/posttraining/WeightScale.h"
#include "training/posttraining/Widths.h"
#include <optional>

namespace lpgen::posttraining {

struct Methods {
  ActivationRange ranges = ActivationRange::Mse;
  WeightRange scales = WeightRange::Mse;
  bool learnsRounding = true;
  bool correctsBias = true;
  bool equalizes = false;
  int points = 1;           ///< Of a filter at most.
  double pointShare = 0.25; ///< Of the filters of a layer, gets more than one.
};

/// What quantization did to a layer, on the calibration images.
struct LayerOutcome {
  double outputError = 0;   ///< Error power by power of the float product.
  int64_t pointFilters = 0; ///< Filters of more than one point.
};

class PostTraining {
public:
  /// The network must outlive this; it is equalized if the methods say so, and
  /// runs once.
  static Result<PostTraining> calibrate(CalibratedNetwork &network,
                                        const Methods &methods);

  /// Gives every layer its integers; widths are by layer.
  Status quantize(const Widths &widths);
  /// The first and the last layer have `ends` bits, the others `inner`.
  Widths uniformWidths(LayerWidths inner, int ends) const;
  /// Under a budget of bit operations or bits; the ends stay. Searches with
  /// weights rounded to nearest.
  Result<Widths> widthsUnder(const Budget &budget, int ends);
  /// By how much the classes' probabilities differ from the float network's on
  /// the calibration images, after quantize: the mean of Kullback and Leibler's
  /// divergence.
  double divergence() const { return meanDivergence; }
  const std::vector<LayerOutcome> &outcomes() const { return found; }
  /// Multiply-adds of an image times both widths, over all points.
  double bitOperations() const;
  /// Of packed weights, offsets left out.
  double weightBytes() const;

  CalibratedNetwork &network() const { return *net; }

private:
  /// Of a layer of the float network.
  struct Reference {
    std::optional<ActivationStatistics> input;
    std::vector<double> means;  ///< Of the product, by output.
    nn::FloatTensor product;    ///< Of the calibration images.
    std::vector<float> offsets; ///< As they were trained.
  };
  PostTraining(CalibratedNetwork &network, const Methods &methods)
      : net(&network), methods(methods) {}
  void equalizeLayers();
  /// The filters with more points become the first of their layers.
  void orderFilters();
  void quantizeLayer(size_t index, LayerWidths widths,
                     const nn::FloatTensor &x);
  void finishLayer(size_t index, const nn::FloatTensor &y);

  CalibratedNetwork *net;
  Methods methods;
  std::vector<Reference> references;
  std::vector<LayerOutcome> found;
  nn::FloatTensor scores; ///< Of the float network.
  double meanDivergence = 0;
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_POSTTRAINING_H
