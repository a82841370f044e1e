// Writes the seeds of tflite-fuzz: one small file for each kind of operator.
//
//   write-tflite-seeds FOLDER
#include "tests/unit/TfliteTesting.h"
#include <cstdio>
#include <fstream>

using namespace lpgen::testing;

static void write(const std::string &folder, int32_t code,
                  const std::string &file) {
  std::ofstream(folder + "/" + std::to_string(code) + ".tflite",
                std::ios::binary)
      << file;
}

/// Options whose fields have small numbers: a stride, an axis, a padding.
static FlatTableWriter options() {
  FlatTableWriter table;
  table.number(0, int8_t{1});
  for (unsigned field = 1; field < 6; ++field) {
    table.number(field, 1);
  }
  return table;
}

int main(int count, char **arguments) {
  if (count != 2) {
    std::fputs("usage: write-tflite-seeds FOLDER\n", stderr);
    return 2;
  }
  const std::vector<int32_t> shape = {1, 2, 2, 2};
  const std::vector<TfliteTensorText> tensors = {
      {.name = "x", .shape = shape, .scales = {1}, .zeroPoints = {3}},
      {.name = "w",
       .shape = shape,
       .data = "abcdefgh",
       .scales = {0.5F, 0.25F},
       .zeroPoints = {0, 0},
       .dimension = 3},
      {.name = "b",
       .shape = {2},
       .type = 2,
       .data = bytesOf(std::vector<int32_t>{1, 2})},
      {.name = "y",
       .shape = shape,
       .scales = {1.0F / 256},
       .zeroPoints = {-128}}};
  for (int32_t code = 0; code < 130; ++code) {
    write(arguments[1], code,
          tfliteFile(tensors, {{code, {0, 1, 2}, {3}, options(), "Custom"}},
                     {0}, {3}));
  }
  return 0;
}
