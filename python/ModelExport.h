// The layers of a model in order, as Python names them, become a network in the
// operator language.
#ifndef LPGEN_PYTHON_MODELEXPORT_H
#define LPGEN_PYTHON_MODELEXPORT_H

#include <pybind11/pybind11.h>

namespace lpgen {

void bindModelExport(pybind11::module_ &module);

} // namespace lpgen

#endif // LPGEN_PYTHON_MODELEXPORT_H
