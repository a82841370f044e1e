// Writes the seeds of gguf-fuzz: one small file for each type of tensors.
//
//   write-gguf-seeds FOLDER
#include "tests/unit/GgufTesting.h"
#include <cstdio>
#include <fstream>

using namespace lpgen::testing;

int main(int count, char **arguments) {
  if (count != 2) {
    std::fputs("usage: write-gguf-seeds FOLDER\n", stderr);
    return 2;
  }
  const std::string strings = numberBytes(8U) + numberBytes(uint64_t{2}) +
                              ggufString("a") + ggufString("bc");
  const std::vector<std::string> values = {
      ggufValue("general.alignment", 4, numberBytes(32U)),
      ggufValue("general.architecture", 8, ggufString("llama")),
      ggufValue("tokens", 9, strings), ggufValue("eps", 6, numberBytes(1.0F))};
  for (const GgufType &type : ggufTypes()) {
    std::ofstream(std::string(arguments[1]) + "/" + type.name + ".gguf",
                  std::ios::binary)
        << ggufFile({{"norm", {2}, 0, std::string(8, '\1')},
                     {"w", {type.elements, 2}, type.code, someBlocks(type, 2)}},
                    values);
  }
  return 0;
}
