// What a network may cost, as a user writes it.
#ifndef LPGEN_TRAINING_POSTTRAINING_BUDGET_H
#define LPGEN_TRAINING_POSTTRAINING_BUDGET_H

#include "base/system/Status.h"
#include <string>

namespace lpgen::posttraining {

struct Budget {
  enum class Unit {
    BitOperations, ///< Of an image.
    Bits,          ///< What so many bits in all inner layers take.
    Cycles         ///< Of an image, expected of the kernels.
  };
  double amount = 0;
  Unit unit = Unit::BitOperations;

  /// "200M", "4bits" or "60kcycles"; an error says what is wrong.
  static Result<Budget> parse(const std::string &text);
};

} // namespace lpgen::posttraining

#endif // LPGEN_TRAINING_POSTTRAINING_BUDGET_H
