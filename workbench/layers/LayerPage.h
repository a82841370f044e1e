// A picture of a network: one page that needs nothing else.
//
// Layers are boxes, one below the other in the order in which they run, whose
// heights are their times. Colours are bit widths, arrows have sizes; what
// skips layers goes along the right side.
#ifndef LPGEN_WORKBENCH_LAYERS_LAYERPAGE_H
#define LPGEN_WORKBENCH_LAYERS_LAYERPAGE_H

#include "workbench/layers/LayerTable.h"
#include <map>

namespace lpgen {

/// Milliseconds of layers by name, as `lpgen bench --json` writes them.
using LayerTimes = std::map<std::string, double>;

/// The times of operator `op` in the text of such a file; an error if it has
/// none of that operator.
llvm::Expected<LayerTimes> parseLayerTimes(llvm::StringRef text,
                                           const std::string &op);

/// The page as HTML. Without times the cycles of the cost model take their
/// place. An error if a layer has no time.
llvm::Expected<std::string> formatPage(const ast::Op &op,
                                       const LayerTable &table,
                                       const std::optional<LayerTimes> &times);

} // namespace lpgen

#endif // LPGEN_WORKBENCH_LAYERS_LAYERPAGE_H
