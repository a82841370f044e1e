// Networks of other tools where a file of operators is expected: they are
// imported on the way.
#ifndef LPGEN_TOOLS_MODELFILES_H
#define LPGEN_TOOLS_MODELFILES_H

#include "base/system/ScratchFolder.h"
#include "base/system/Status.h"
#include <string>

namespace lpgen {

/// The file is of another tool by its name: it ends in .onnx, .tflite or .gguf.
bool isModelFile(const std::string &path);

/// The operators that lpgen-import wrote to a folder; "" if there are none.
std::string networkIn(const std::string &folder);

/// A network as operators and weights in a folder that is removed with this.
class ImportedModel {
public:
  /// Runs lpgen-import, which says on stderr what is wrong; an error only if
  /// it cannot be run. `exitCode` is its status. `tensor` is one of a GGUF
  /// file, or "".
  static Result<ImportedModel> import(const std::string &network,
                                      const std::string &tensor, int &exitCode);

  const std::string &operators() const { return file; }

private:
  explicit ImportedModel(ScratchFolder folder) : folder(std::move(folder)) {}

  ScratchFolder folder;
  std::string file;
};

} // namespace lpgen

#endif // LPGEN_TOOLS_MODELFILES_H
