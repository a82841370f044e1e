// What an importer says of a file: its layers, what was noticed, and what is
// not supported.
#ifndef LPGEN_NETWORKS_IMPORT_REPORT_H
#define LPGEN_NETWORKS_IMPORT_REPORT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen::importer {

/// A row of the table of `lpgen inspect`. Bits of 0 mean float32.
struct Layer {
  std::string name;      ///< As in the file.
  std::string operation; ///< "Conv", "CONV_2D": as in the file.
  std::string shape;     ///< Of the result: "[1, 64, 28, 28]".
  int64_t macs = 0;      ///< For one image.
  int64_t weights = 0;   ///< Their number.
  unsigned declaredWeightBits = 0;
  unsigned usedWeightBits = 0; ///< What their values need.
  unsigned declaredInputBits = 0;
  unsigned usedInputBits = 0;
  std::string encoding; ///< Types of weights and input: "b1 x u4".
  std::string scales;   ///< "tensor", "channel", "group", or ""
  unsigned accumulatorBits = 0;
  std::string statement; ///< Of the program, by the name of its result.
  std::string kernel; ///< Which computes it; "" if the compiler was not asked.
  std::optional<double> expectedCycles; ///< For one image, by the cost model.
};

/// A node that cannot be imported.
struct Finding {
  std::string node;      ///< Its name, or that of its first output.
  std::string operation; ///< With its domain, if that is not the standard one.
  std::string attribute; ///< Or input; "" if the operator itself is unknown.
  std::string reason;
  std::string remedy; ///< "" if there is none.
};

struct Report {
  std::string file;
  std::string format;   ///< "ONNX", "QONNX", "TFLite"
  std::string producer; ///< As the file says.
  std::vector<Layer> layers;
  std::vector<std::string> notes;
  std::vector<Finding> findings;

  bool isSupported() const { return findings.empty(); }
};

/// "node 'X' (Conv), attribute 'pads': reason; remedy"
std::string describe(const Finding &finding);
/// Layers with totals, notes and findings, for people.
std::string reportText(const Report &report);
/// The same as JSON.
std::string reportJson(const Report &report);

} // namespace lpgen::importer

#endif // LPGEN_NETWORKS_IMPORT_REPORT_H
