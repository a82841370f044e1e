// Files that a command writes. See OutputFiles.h.
#include "tools/OutputFiles.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"
#include <tuple>

using namespace lpgen;

static std::error_code writeTemporary(const std::string &path,
                                      const std::string &contents,
                                      llvm::SmallVectorImpl<char> &temporary) {
  int descriptor = -1;
  std::error_code error =
      llvm::sys::fs::createUniqueFile(path + ".%%%%%%.tmp", descriptor,
                                      temporary, llvm::sys::fs::OF_None, 0644);
  if (error) {
    return error;
  }
  std::string name(temporary.begin(), temporary.end());
  llvm::sys::RemoveFileOnSignal(name);
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << contents;
  os.close();
  error = os.error();
  os.clear_error();
  return error;
}

Status OutputFiles::commit() {
  std::vector<std::string> temporaries;
  auto discard = [&]() {
    for (const std::string &name : temporaries) {
      // A file that cannot be removed now goes with the process.
      std::ignore = llvm::sys::fs::remove(name);
      llvm::sys::DontRemoveFileOnSignal(name);
    }
  };
  for (const auto &[path, contents] : files) {
    const llvm::StringRef folder = llvm::sys::path::parent_path(path);
    std::error_code error = folder.empty()
                                ? std::error_code()
                                : llvm::sys::fs::create_directories(folder);
    llvm::SmallString<128> temporary;
    if (!error) {
      error = writeTemporary(path, contents, temporary);
    }
    if (!temporary.empty()) {
      temporaries.push_back(temporary.str().str());
    }
    if (error) {
      discard();
      return Status::error("cannot write '" + path + "': " + error.message() +
                           "; nothing was written");
    }
  }
  for (size_t i = 0; i < files.size(); ++i) {
    if (std::error_code error =
            llvm::sys::fs::rename(temporaries[i], files[i].first)) {
      discard();
      return Status::error("cannot write '" + files[i].first +
                           "': " + error.message());
    }
    llvm::sys::DontRemoveFileOnSignal(temporaries[i]);
  }
  return Status::success();
}
