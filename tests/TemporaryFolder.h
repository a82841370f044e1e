// A folder for the files of a test.
#ifndef LPGEN_TESTS_TEMPORARYFOLDER_H
#define LPGEN_TESTS_TEMPORARYFOLDER_H

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

namespace lpgen {

/// A new, empty folder that is removed with all its files.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "lpgen-test.XXXXXX").string();
    if (::mkdtemp(name.data())) {
      folder = name;
    }
    EXPECT_FALSE(folder.empty());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  const std::string &path() const { return folder; }

private:
  std::string folder;
};

} // namespace lpgen

#endif // LPGEN_TESTS_TEMPORARYFOLDER_H
