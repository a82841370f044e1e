// What small ONNX models compute once they are imported.
#ifndef LPGEN_TESTS_UNIT_ONNXTESTING_H
#define LPGEN_TESTS_UNIT_ONNXTESTING_H

#include "networks/import/onnx/Import.h"
#include "networks/qonnx/OnnxModel.h"

namespace lpgen::importer::testing {

using Net = networks::OnnxModel;
using Attributes = Net::Attributes;
using Numbers = std::vector<double>;
using Ints = std::vector<int64_t>;

/// The imported program, whose report may have findings; an error if the bytes
/// are refused.
Result<Program> imported(const std::string &bytes,
                         const ImportOptions &options = {});

/// Why the bytes are refused, or a part of the model is not imported; empty if
/// all is.
std::string whyRefused(const Net &net);

/// The only output for one input, row by row; empty, and a failed test, if the
/// model cannot be imported or its text is wrong.
std::vector<double> computed(const Net &net, const std::vector<double> &input,
                             const ImportOptions &options = {},
                             int64_t images = 1);

/// What the last operator of FOLDER/net.lp gives, which has one input and one
/// output; empty, and a failed test, if the text is wrong.
std::vector<double> interpreted(const std::string &folder,
                                const std::vector<double> &input,
                                int64_t images);

} // namespace lpgen::importer::testing

#endif // LPGEN_TESTS_UNIT_ONNXTESTING_H
