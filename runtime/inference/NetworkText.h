// The stages of a network as operators of the operator language.
#ifndef LPGEN_RUNTIME_INFERENCE_NETWORKTEXT_H
#define LPGEN_RUNTIME_INFERENCE_NETWORKTEXT_H

#include "runtime/inference/Network.h"

namespace lpgen::inference {

/// The most images of one call of a kernel.
constexpr int64_t imagesPerCall = 64;

/// The name of a stage's operator.
std::string operatorName(const Stage &stage);

/// A file with one operator for each stage, of inputs x, w and the floats, and
/// output y.
std::string networkText(const Network &network);

} // namespace lpgen::inference

#endif // LPGEN_RUNTIME_INFERENCE_NETWORKTEXT_H
