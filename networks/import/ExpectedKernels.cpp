// See ExpectedKernels.h.
#include "networks/import/ExpectedKernels.h"
#include <nlohmann/json.hpp>

namespace lpgen::importer {

Status addKernels(Report &report, const std::string &json) {
  const nlohmann::json all = nlohmann::json::parse(json, nullptr, false);
  if (!all.is_object()) {
    return Status::error("expected an object of kernels by statement");
  }
  for (Layer &layer : report.layers) {
    const auto found = all.find(layer.statement);
    if (found == all.end()) {
      continue;
    }
    if (!found->is_object() || !found->contains("kernel") ||
        !(*found)["kernel"].is_string()) {
      return Status::error("statement '" + layer.statement +
                           "' has no \"kernel\"");
    }
    layer.kernel = (*found)["kernel"].get<std::string>();
    const nlohmann::json cycles = found->value("cycles", nlohmann::json());
    if (cycles.is_number()) {
      layer.expectedCycles = cycles.get<double>();
    }
  }
  return {};
}

} // namespace lpgen::importer
