// Fuzz target of safetensors files: any bytes are either tensors whose elements
// can be read or an error, without a crash. See tests/fuzz/CMakeLists.txt for
// how to run it.
#include "base/tensor/Safetensors.h"
#include <cstdio>
#include <cstdlib>

using namespace lpgen;

/// The elements as every kind of type: what is read fits it.
static void readAll(const SafetensorsView &view,
                    const SafetensorsEntry &entry) {
  for (const ElementType type :
       {ElementType{Encoding::Unsigned, 3}, ElementType{Encoding::Bipolar, 8},
        ElementType{Encoding::Signed, 64}, ElementType{Encoding::Float, 32}}) {
    const Result<HostTensor> values = view.read(entry.name, type, entry.shape);
    if (values.ok() && values->firstIllegalValue()) {
      std::fputs("a value that its type cannot hold\n", stderr);
      std::abort();
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Result<SafetensorsView> view =
      SafetensorsView::create(std::as_bytes(std::span(data, size)));
  if (view.ok()) {
    for (const auto &[name, entry] : view->tensors()) {
      readAll(*view, entry);
    }
  }
  return 0;
}
