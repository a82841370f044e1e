// Networks of other tools where a file of operators is expected: they are
// imported on the way.
#ifndef LPGEN_TOOLS_MODELFILES_H
#define LPGEN_TOOLS_MODELFILES_H

#include "base/system/Interruption.h"
#include "base/system/Status.h"
#include <string>

namespace lpgen {

/// The file is of another tool by its name: it ends in .onnx, .tflite or .gguf.
bool isModelFile(const std::string &path);

/// A network as operators and weights in a folder that is removed with this.
class ImportedModel {
public:
  /// Runs lpgen-import, which says on stderr what is wrong; an error only if
  /// it cannot be run. `exitCode` is its status. `tensor` is one of a GGUF
  /// file, or "".
  static Result<ImportedModel> import(const std::string &path,
                                      const std::string &tensor, int &exitCode);
  ImportedModel(ImportedModel &&other) noexcept
      : folder(std::move(other.folder)),
        unfinished(std::move(other.unfinished)), file(std::move(other.file)) {
    other.folder.clear();
  }
  ImportedModel &operator=(ImportedModel &&) = delete;
  ~ImportedModel();

  const std::string &operators() const { return file; }

private:
  ImportedModel() = default;
  std::string folder;
  UnfinishedFile unfinished; ///< The folder goes with a signal, too.
  std::string file;
};

} // namespace lpgen

#endif // LPGEN_TOOLS_MODELFILES_H
