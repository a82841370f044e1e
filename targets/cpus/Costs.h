// Prices of what the cost model counts, in cycles. The cost of a schedule is
// the sum of counts times prices; see schedules/CostModel.h.
#ifndef LPGEN_TARGETS_CPUS_COSTS_H
#define LPGEN_TARGETS_CPUS_COSTS_H

#include "llvm/ADT/StringRef.h"
#include <vector>

namespace lpgen {

/// A number for each term: how many a schedule has, or the price of one.
struct CostTerms {
#define COST_TERM(name, text) double name = 0;
#include "targets/cpus/CostTerms.def"
#undef COST_TERM

  /// The sum of the products, term by term.
  double times(const CostTerms &prices) const {
    double sum = 0;
#define COST_TERM(name, text) sum += (name) * prices.name;
#include "targets/cpus/CostTerms.def"
#undef COST_TERM
    return sum;
  }
};

/// Products of this cell cost `factor` times the price.
struct CellFactor {
  llvm::StringRef cell;
  double factor = 1;
};

/// The prices of a CPU for vectors of one width.
struct Costs {
  CostTerms prices;
  std::vector<CellFactor> cells; ///< Those whose factor is not 1.

  double factorOf(llvm::StringRef cell) const {
    for (const CellFactor &known : cells) {
      if (known.cell == cell) {
        return known.factor;
      }
    }
    return 1;
  }
};

} // namespace lpgen

#endif // LPGEN_TARGETS_CPUS_COSTS_H
