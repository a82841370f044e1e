// Failures of the runtime as exceptions of Python, lpgen.Error.
#ifndef LPGEN_PYTHON_RAISE_H
#define LPGEN_PYTHON_RAISE_H

#include "base/system/Status.h"
#include <pybind11/pybind11.h>
#include <string>
#include <utility>

namespace lpgen {

[[noreturn]] inline void raise(const std::string &message) {
  const pybind11::object error =
      pybind11::module_::import("lpgen._errors").attr("Error");
  PyErr_SetString(error.ptr(), message.c_str());
  throw pybind11::error_already_set();
}

inline void check(const Status &status) {
  if (!status.ok()) {
    raise(status.message());
  }
}

template <typename T>
T take(Result<T> result) {
  check(result.status());
  return std::move(*result);
}

} // namespace lpgen

#endif // LPGEN_PYTHON_RAISE_H
