// What the front end is told besides the text.
#ifndef LPGEN_OPERATORS_FRONTEND_PARSEOPTIONS_H
#define LPGEN_OPERATORS_FRONTEND_PARSEOPTIONS_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "llvm/Support/VirtualFileSystem.h"
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lpgen {

/// Reads the values of a constant: `source` is what its declaration in file
/// `path` says, `const w: s4[8] = "source"`.
using ConstantReader = std::function<Result<std::shared_ptr<const HostTensor>>(
    const std::string &path, const std::string &source, ElementType type,
    const std::vector<int64_t> &shape)>;

/// What the command line says about a file.
struct ParseOptions {
  /// -D NAME=VALUE: overrides `param NAME` and gives parameters of that name to
  /// generic operators. A name the file does not declare is an error without a
  /// place in the file.
  std::map<std::string, int64_t> defines = {};
  /// Without one, constants are errors.
  ConstantReader readConstant = nullptr;
  /// Where `include` looks for a file that is not beside the one that includes
  /// it.
  std::vector<std::string> includeFolders = {};
  /// What included files are read from.
  llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files =
      llvm::vfs::getRealFileSystem();
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_PARSEOPTIONS_H
