// The tuner's search: which schedule to try next, given what the others cost.
//
// Best first: the cost model's favourites, then untried neighbours of the
// fastest schedules found so far, until these have none left. Knows schedules
// only by their text, so that it can be tested without kernels.
#ifndef LPGEN_WORKBENCH_TUNE_SEARCH_H
#define LPGEN_WORKBENCH_TUNE_SEARCH_H

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lpgen {

class Search {
public:
  /// Schedules one step away from one that was tried.
  using Neighbours =
      std::function<std::vector<std::string>(const std::string &)>;

  /// Tries `seeds` first, in order, then neighbours of the `width` fastest.
  Search(std::vector<std::string> seeds, Neighbours neighbours, size_t width);

  /// The schedule to try next, which was never returned before; nothing when
  /// the search is over.
  std::optional<std::string> next();

  /// The cost of a schedule that `next` returned, in whatever unit; without one
  /// it is of no use.
  void report(const std::string &schedule, std::optional<double> cost);

  /// Up to `count` schedules with a cost, the cheapest first; the earlier one
  /// on a tie.
  std::vector<std::string> best(size_t count) const;

private:
  struct Tried {
    std::string schedule;
    double cost;
    std::vector<std::string> untried; ///< Of its neighbours.
  };
  std::optional<std::string> take(std::vector<std::string> &from);

  std::vector<std::string> seeds; ///< Not yet tried, the next one first.
  Neighbours neighbours;
  size_t width;
  std::set<std::string> known; ///< Ever returned.
  std::vector<Tried> tried;    ///< By cost.
};

} // namespace lpgen

#endif // LPGEN_WORKBENCH_TUNE_SEARCH_H
