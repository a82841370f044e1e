// Reductions over whole dimensions.
#ifndef LPGEN_NETWORKS_IMPORT_ONNX_REDUCTIONS_H
#define LPGEN_NETWORKS_IMPORT_ONNX_REDUCTIONS_H

#include "networks/import/onnx/Lowering.h"

namespace lpgen::importer::onnx {

/// Codes of x are in the order of the numbers that they stand for, wherever
/// they have one scale.
bool hasOrderedCodes(const Value &x);

/// `value`, a sum of `count` codes of x less their zero point, gets the range
/// and the grid that this has.
void makeSum(const Value &x, int64_t count, Value &value);

/// `reduction`, "sum", say, of `term` of the elements of x along dimensions,
/// which get extent 1.
Value reduced(
    const Value &x, const std::set<size_t> &dims, const std::string &reduction,
    const std::function<builder::Expression(const builder::Expression &)>
        &term);
/// The same of the elements.
Value reduced(const Value &x, const std::set<size_t> &dims,
              const std::string &reduction);

/// Without the dimensions, which have extent 1.
Value dropped(const Value &value, const std::set<size_t> &dims);

} // namespace lpgen::importer::onnx

#endif // LPGEN_NETWORKS_IMPORT_ONNX_REDUCTIONS_H
