// Where the values of an operator file's constants lie: the one place that
// turns what a declaration says into a file and a tensor of it.
#ifndef LPGEN_BASE_TENSOR_WEIGHTFILES_H
#define LPGEN_BASE_TENSOR_WEIGHTFILES_H

#include "base/tensor/Safetensors.h"
#include <map>
#include <memory>

namespace lpgen {

/// Opens each file once.
class WeightFiles {
public:
  /// `weights`: the file that holds the tensors, "" for NAME.safetensors beside
  /// each NAME.lp.
  explicit WeightFiles(std::string weights) : weights(std::move(weights)) {}

  /// Values for a constant that file `path` declares. `source` is the name of a
  /// tensor or, if it ends in .npy, of a file, relative to `path`.
  Result<std::shared_ptr<const HostTensor>>
  read(const std::string &path, const std::string &source, ElementType type,
       const std::vector<int64_t> &shape);

private:
  Result<HostTensor> readTensor(const std::string &path,
                                const std::string &source, ElementType type,
                                const std::vector<int64_t> &shape);

  std::string weights;
  std::map<std::string, Result<SafetensorsFile>> files;
};

} // namespace lpgen

#endif // LPGEN_BASE_TENSOR_WEIGHTFILES_H
