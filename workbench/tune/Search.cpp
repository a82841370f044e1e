// The tuner's search. See Search.h.
#include "workbench/tune/Search.h"
#include <algorithm>

namespace lpgen {

Search::Search(std::vector<std::string> seeds, Neighbours neighbours,
               size_t width)
    : seeds(std::move(seeds)), neighbours(std::move(neighbours)), width(width) {
}

/// Removes schedules from the front up to the first new one and returns that.
std::optional<std::string> Search::take(std::vector<std::string> &from) {
  while (!from.empty()) {
    std::string schedule = std::move(from.front());
    from.erase(from.begin());
    if (known.insert(schedule).second) {
      return schedule;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Search::next() {
  if (std::optional<std::string> seed = take(seeds)) {
    return seed;
  }
  for (size_t i = 0; i < std::min(width, tried.size()); ++i) {
    if (std::optional<std::string> step = take(tried[i].untried)) {
      return step;
    }
  }
  return std::nullopt;
}

void Search::report(const std::string &schedule, std::optional<double> cost) {
  if (!cost) {
    return;
  }
  const auto place = std::ranges::upper_bound(tried, *cost, {}, &Tried::cost);
  tried.insert(place, {schedule, *cost, neighbours(schedule)});
}

std::vector<std::string> Search::best(size_t count) const {
  std::vector<std::string> schedules;
  for (const Tried &entry : tried) {
    if (schedules.size() < count) {
      schedules.push_back(entry.schedule);
    }
  }
  return schedules;
}

} // namespace lpgen
